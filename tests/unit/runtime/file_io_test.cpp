#include "runtime/file_io.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

namespace sparkle {
namespace {

namespace fs = std::filesystem;

class FileIo : public testing::Test {
protected:
  FileIo() : folder_(fs::path(testing::TempDir()) / ("sparkle_file_io_" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
  }
  ~FileIo() override { fs::remove_all(folder_); }
  std::string path(const char *name) const { return (folder_ / name).string(); }
  fs::path folder_;
};

TEST_F(FileIo, WhatWasWrittenIsRead) {
  std::vector<uint8_t> bytes(3 << 20);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 256);
  ASSERT_TRUE(write_file(path("a"), bytes));
  ASSERT_TRUE(write_file(path("a"), bytes)); // over an old one
  auto read = read_file(path("a"), 3 << 20);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, bytes);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1) << "temporary files left";
}

TEST_F(FileIo, LongFilesAreRefused) {
  ASSERT_TRUE(write_file(path("a"), std::vector<uint8_t>(101)));
  EXPECT_TRUE(read_file(path("a"), 101));
  auto read = read_file(path("a"), 100);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kInvalidInput);
}

TEST_F(FileIo, TextIsTheBytes) {
  ASSERT_TRUE(write_file(path("a"), std::vector<uint8_t>{'a', 0, '\r', '\n'}));
  auto read = read_text_file(path("a"), 4);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, std::string("a\0\r\n", 4));
  EXPECT_FALSE(read_text_file(path("a"), 3));
}

TEST_F(FileIo, EndlessFilesAreRefused) {
  auto read = read_file("/dev/zero", 1 << 20);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kInvalidInput);
}

TEST_F(FileIo, FailuresNameFileAndReason) {
  for (const std::string &name : {path("missing\x1b"), folder_.string()}) {
    auto read = read_file(name, 100);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kIo);
    EXPECT_EQ(read.error().text.find('\x1b'), std::string::npos);
  }
  auto written = write_file(path("no/such/folder"), {});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kIo);
  EXPECT_NE(written.error().text.find("No such file"), std::string::npos);
}

TEST_F(FileIo, FullDiskIsAnError) {
  auto written = write_file("/dev/full", std::vector<uint8_t>(10));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kIo);
  EXPECT_TRUE(fs::exists("/dev/full"));
}

} // namespace
} // namespace sparkle
