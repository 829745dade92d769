#include "tools/peers/peer_server.h"

#include <cstdio>
#include <iostream>
#include <optional>

#include "compiler/support/match.h"
#include "runtime/fill.h"
#include "tools/bench/peer_protocol.h"

namespace sparkle::bench {
namespace {

constexpr int64_t kMostRuns = int64_t{1} << 24;

Result<Scalar> scalar_named(const std::string &element) {
  if (element == "f32") return Scalar::kF32;
  if (element == "u8") return Scalar::kU8;
  if (element == "i8") return Scalar::kI8;
  return Error{ErrorCode::kUnsupported, "no images of `" + element + "`"};
}

/// A tensor as one row: peers are told its shape apart. Nothing where the operator has none.
Result<std::optional<HostTensor>> input(const PrepareRequest &request, const std::string &name, Scalar element) {
  const int64_t count = element_count(request.bench, name);
  if (count == 0) return std::optional<HostTensor>();
  SPARKLE_TRY(HostTensor tensor, HostTensor::allocate(element, {count}));
  const auto fill = request.fills.find(name);
  if (fill != request.fills.end())
    fill_integers(tensor, fill->second.seed, fill->second.low, fill->second.high);
  else if (name != "dst")
    return Error{ErrorCode::kInvalidInput, "the request does not say what `" + name + "` holds"};
  return std::optional<HostTensor>(std::move(tensor));
}

class Server {
public:
  explicit Server(const MakePeer &make) : make_(make) {}

  std::string answer(const std::string &line) {
    const Result<PeerRequest> request = parse_request(line);
    if (!request) return reply_line(request.error());
    return match(*request, [&](const auto &one) {
      const auto reply = handle(one);
      return reply ? reply_line(*reply) : reply_line(reply.error());
    });
  }

private:
  Result<PrepareReply> handle(const PrepareRequest &request) {
    peer_ = nullptr; // Before the memory that it reads.
    clock_ = request.threads == 1 ? Clock::kThread : Clock::kWall;
    SPARKLE_TRY(const Scalar element, scalar_named(request.bench.element));
    SPARKLE_TRY(src_, input(request, "src", element));
    SPARKLE_TRY(wei_, input(request, "wei", element));
    SPARKLE_TRY(bias_, input(request, "bias", element));
    SPARKLE_TRY(dst_, input(request, "dst", element));
    const auto pointer = [](const std::optional<HostTensor> &tensor) { return tensor ? &*tensor : nullptr; };
    SPARKLE_TRY(peer_, make_(request.bench, {pointer(src_), pointer(wei_), pointer(bias_), pointer(dst_)},
                             {request.threads, request.peer_layout == "plain"}));
    return PrepareReply{peer_->description()};
  }

  Result<Elapsed> handle(const RunRequest &request) {
    if (!peer_) return Error{ErrorCode::kInvalidInput, "nothing was prepared"};
    if (request.times < 1 || request.times > kMostRuns)
      return Error{ErrorCode::kInvalidInput, "so often it does not run"};
    return time_runs([this] { return peer_->run(); }, request.times, clock_);
  }

  Result<ValuesReply> handle(const ValuesRequest &request) {
    if (!peer_) return Error{ErrorCode::kInvalidInput, "nothing was prepared"};
    SPARKLE_TRY_STATUS(peer_->fetch(*dst_));
    ValuesReply reply;
    for (const int64_t place : request.at) {
      if (place < 0 || place >= dst_->element_count()) return Error{ErrorCode::kInvalidInput, "there is no such value"};
      reply.values.push_back(dst_->get(place));
    }
    return reply;
  }

  const MakePeer &make_;
  std::optional<HostTensor> src_, wei_, bias_, dst_;
  std::unique_ptr<Peer> peer_;
  Clock clock_ = Clock::kThread;
};

} // namespace

int serve(const MakePeer &make) {
  Server server(make);
  for (std::string line; std::getline(std::cin, line);) {
    std::printf("%s\n", server.answer(line).c_str());
    std::fflush(stdout);
  }
  return 0;
}

} // namespace sparkle::bench
