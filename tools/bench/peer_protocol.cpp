#include "tools/bench/peer_protocol.h"

#include <nlohmann/json.hpp>

#include "compiler/support/match.h"

namespace sparkle::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMostQuoted = 200; ///< Of a line that is no reply.

Json prepare_json(const PrepareRequest &request) {
  const BenchCase &bench = request.bench;
  Json out = {{"do", "prepare"},           {"shape", to_text(bench.shape)},
              {"op", name_of(bench.op)},   {"layout", name_of(bench.layout)},
              {"element", bench.element},  {"peer_layout", request.peer_layout},
              {"threads", request.threads}};
  for (const auto &[name, fill] : request.fills)
    out["fill"][name] = {{"seed", fill.seed}, {"low", fill.low}, {"high", fill.high}};
  return out;
}

Result<PeerRequest> prepare_request(const Json &in) {
  PrepareRequest request;
  SPARKLE_TRY(const std::vector<ConvolutionShape> shapes, parse_shape_list(in.at("shape").get<std::string>()));
  if (shapes.size() != 1) return Error{ErrorCode::kInvalidInput, "`shape` is not one shape"};
  request.bench.shape = shapes.front();
  SPARKLE_TRY(request.bench.op, op_named(in.at("op").get<std::string>()));
  SPARKLE_TRY(request.bench.layout, layout_named(in.at("layout").get<std::string>()));
  request.bench.element = in.at("element");
  request.peer_layout = in.at("peer_layout");
  request.threads = in.at("threads");
  for (const auto &[name, fill] : in.at("fill").items())
    request.fills[name] = {fill.at("seed"), fill.at("low"), fill.at("high")};
  return PeerRequest(std::move(request));
}

/// The library throws where a key is missing or of another type; the exceptions end here.
template <class Value, class Read> Result<Value> read_object(const std::string &line, ErrorCode code, Read read) {
  const Json in = Json::parse(line, nullptr, false);
  const auto refusal = [&](const std::string &why) {
    return Error{code, "`" + line.substr(0, kMostQuoted) + "`: " + why};
  };
  if (!in.is_object()) return refusal("no JSON object");
  try {
    return read(in);
  } catch (const Json::exception &mistake) {
    return refusal(mistake.what());
  }
}

template <class Value, class Read> Result<Value> read_reply(const std::string &line, Read read) {
  return read_object<Value>(line, ErrorCode::kIo, [&](const Json &in) -> Result<Value> {
    if (in.contains("error")) return Error{ErrorCode::kUnsupported, in.at("error").get<std::string>()};
    return read(in);
  });
}

} // namespace

std::string request_line(const PeerRequest &request) {
  return match(
      request, [](const PrepareRequest &one) { return prepare_json(one).dump(); },
      [](const RunRequest &one) {
        return Json{{"do", "run"}, {"times", one.times}}.dump();
      },
      [](const ValuesRequest &one) {
        return Json{{"do", "values"}, {"at", one.at}}.dump();
      });
}

std::string reply_line(const PrepareReply &reply) { return Json{{"code", reply.code}}.dump(); }
std::string reply_line(const Elapsed &reply) { return Json{{"seconds", reply.seconds}, {"wall", reply.wall}}.dump(); }
std::string reply_line(const ValuesReply &reply) { return Json{{"values", reply.values}}.dump(); }
std::string reply_line(const Error &error) {
  return Json{{"error", error.text}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<PeerRequest> parse_request(const std::string &line) {
  return read_object<PeerRequest>(line, ErrorCode::kInvalidInput, [](const Json &in) -> Result<PeerRequest> {
    const std::string what = in.at("do");
    if (what == "prepare") return prepare_request(in);
    if (what == "run") return PeerRequest(RunRequest{in.at("times").get<int64_t>()});
    if (what == "values") return PeerRequest(ValuesRequest{in.at("at").get<std::vector<int64_t>>()});
    return Error{ErrorCode::kInvalidInput, "`" + what + "` is no request"};
  });
}

Result<PrepareReply> parse_prepare_reply(const std::string &line) {
  return read_reply<PrepareReply>(
      line, [](const Json &in) -> Result<PrepareReply> { return PrepareReply{in.at("code").get<std::string>()}; });
}

Result<Elapsed> parse_run_reply(const std::string &line) {
  return read_reply<Elapsed>(line, [](const Json &in) -> Result<Elapsed> {
    const Elapsed elapsed = {in.at("seconds").get<double>(), in.at("wall").get<double>()};
    if (elapsed.seconds > 0) return elapsed;
    return Error{ErrorCode::kIo, "the peer says that its runs took " + std::to_string(elapsed.seconds) + " s"};
  });
}

Result<ValuesReply> parse_values_reply(const std::string &line) {
  return read_reply<ValuesReply>(line, [](const Json &in) -> Result<ValuesReply> {
    return ValuesReply{in.at("values").get<std::vector<double>>()};
  });
}

} // namespace sparkle::bench
