// A Vulkan device for tests, and what they hand to it.
#pragma once

#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/vulkan_device.h"

namespace sparkle::test {

template <size_t N> ShaderCode shader(const uint32_t (&words)[N], uint32_t local_size) {
  ShaderCode code;
  code.words.assign(words, words + N);
  code.local_size = local_size;
  return code;
}

template <class T> std::span<const std::byte> bytes_of_all(const std::vector<T> &values) {
  return std::as_bytes(std::span(values));
}

template <class... T> std::vector<std::byte> push_of(T... values) {
  std::vector<std::byte> push;
  auto add = [&](auto value) {
    const size_t end = push.size();
    push.resize(end + sizeof value);
    std::memcpy(push.data() + end, &value, sizeof value);
  };
  (add(values), ...);
  return push;
}

inline VulkanBinding whole(const VulkanBuffer &buffer) { return {&buffer, 0, buffer.bytes()}; }

/// Opens the first device with the validation layer where that is installed; what it says fails the test.
class VulkanDevice : public testing::Test {
protected:
  void SetUp() override {
    VulkanOptions options;
    options.validation = true;
    devices_ = VulkanDevices::open(options);
    validated_ = !devices_.devices().empty();
    if (!validated_) devices_ = VulkanDevices::open();
    if (devices_.devices().empty()) GTEST_SKIP() << "no Vulkan device: " << devices_.left_out()[0].reason;
    auto context = devices_.create_context(0);
    ASSERT_TRUE(context) << context.error().text;
    context_.emplace(std::move(*context));
  }
  void TearDown() override {
    if (!context_) return;
    for (const std::string &message : context_->validation_messages()) ADD_FAILURE() << message;
  }

  VulkanBuffer buffer(int64_t bytes) {
    auto made = context_->create_buffer(bytes);
    EXPECT_TRUE(made) << made.error().text;
    return *made;
  }
  VulkanBuffer buffer_of(const std::vector<float> &values) {
    VulkanBuffer made = buffer(static_cast<int64_t>(values.size() * sizeof(float)));
    auto sent = context_->upload(made, 0, bytes_of_all(values));
    EXPECT_TRUE(sent) << sent.error().text;
    return made;
  }
  template <class T> std::vector<T> contents(const VulkanBuffer &from) {
    std::vector<T> values(static_cast<size_t>(from.bytes()) / sizeof(T));
    auto got = context_->download(from, 0, std::as_writable_bytes(std::span(values)));
    EXPECT_TRUE(got) << got.error().text;
    return values;
  }
  VulkanPipeline pipeline(const ShaderCode &code, int buffers, int64_t push_bytes) {
    auto made = context_->create_pipeline(code, {buffers, push_bytes, 0, "test"});
    EXPECT_TRUE(made) << made.error().text;
    return *made;
  }

  VulkanDevices devices_;
  std::optional<VulkanContext> context_;
  bool validated_ = false;
};

} // namespace sparkle::test
