#include "tools/bench/peer_protocol.h"

#include <gtest/gtest.h>

namespace sparkle::bench {
namespace {

TEST(PeerProtocol, RequestsComeBack) {
  PrepareRequest request;
  request.bench.shape = parse_shape_list("g2ic4oc6_ih9iw7kh3kw2sh2ph1_n\"a layer*3\"", 5)->front();
  request.bench.layout = ImageLayout::kChannelsFirst;
  request.peer_layout = "plain";
  request.threads = 3;
  request.fills = {{"src", {64, -2, 2}}, {"wei", {65, 0, 4}}};
  const auto read = parse_request(request_line(request));
  ASSERT_TRUE(read) << read.error().text;
  const auto &same = std::get<PrepareRequest>(*read);
  EXPECT_EQ(to_text(same.bench.shape), to_text(request.bench.shape));
  EXPECT_EQ(same.bench.layout, request.bench.layout);
  EXPECT_EQ(same.bench.element, "f32");
  EXPECT_EQ(same.peer_layout, "plain");
  EXPECT_EQ(same.threads, 3);
  EXPECT_EQ(same.fills.at("src").low, -2);
  EXPECT_EQ(same.fills.at("wei").seed, 65u);

  EXPECT_EQ(std::get<RunRequest>(*parse_request(request_line(RunRequest{12}))).times, 12);
  EXPECT_EQ(std::get<ValuesRequest>(*parse_request(request_line(ValuesRequest{{0, 7}}))).at[1], 7);
}

TEST(PeerProtocol, RepliesComeBack) {
  EXPECT_EQ(parse_prepare_reply(reply_line(PrepareReply{"code"}))->code, "code");
  const auto elapsed = parse_run_reply(reply_line(Elapsed{0.5, 0.75}));
  ASSERT_TRUE(elapsed);
  EXPECT_EQ(elapsed->seconds, 0.5);
  EXPECT_EQ(elapsed->wall, 0.75);
  EXPECT_EQ(parse_values_reply(reply_line(ValuesReply{{1.5, -2}}))->values[1], -2);
  const auto refused = parse_run_reply(reply_line(Error{ErrorCode::kUnsupported, "not \"here\""}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(refused.error().text, "not \"here\"");
}

TEST(PeerProtocol, LinesAreOneLine) {
  PrepareRequest request;
  request.bench.shape = parse_shape_list("ic4oc6_ih9kh3")->front();
  EXPECT_EQ(request_line(request).find('\n'), std::string::npos);
  EXPECT_EQ(reply_line(Error{ErrorCode::kIo, "two\nlines"}).find('\n'), std::string::npos);
}

TEST(PeerProtocol, NonsenseIsAnError) {
  for (const char *line : {"", "hello", "[]", "{}", "{\"do\": 1}", "{\"do\": \"dance\"}", "{\"do\": \"run\"}",
                           "{\"do\": \"run\", \"times\": \"often\"}"})
    EXPECT_FALSE(parse_request(line)) << line;
  for (const char *line : {"", "hello", "[]", "{}", "{\"seconds\": 0, \"wall\": 1}", "{\"seconds\": 1}"}) {
    const auto reply = parse_run_reply(line);
    ASSERT_FALSE(reply) << line;
    EXPECT_EQ(reply.error().code, ErrorCode::kIo) << line;
  }
}

} // namespace
} // namespace sparkle::bench
