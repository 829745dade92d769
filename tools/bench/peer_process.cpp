#include "tools/bench/peer_process.h"

namespace sparkle::bench {

std::vector<std::string> instruction_caps(const std::string &isa) {
  if (isa != "avx2") return {"ONEDNN_MAX_CPU_ISA=AVX512_CORE"};
  return {"ONEDNN_MAX_CPU_ISA=AVX2", "OPENBLAS_CORETYPE=Haswell", "ATEN_CPU_CAPABILITY=avx2"};
}

template <class Reply> Result<Reply> PeerProcess::checked(Result<Reply> reply) {
  if (reply || reply.error().code == ErrorCode::kUnsupported) return reply;
  process_ = nullptr;
  ++failures_;
  return reply;
}

Result<std::string> PeerProcess::ask(const PeerRequest &request) {
  if (!process_) return Error{ErrorCode::kIo, "there is no peer"};
  return process_->ask(request_line(request), options_.timeout_seconds);
}

Result<std::string> PeerProcess::prepare(const BenchCase &bench, int threads,
                                         const std::map<std::string, FillSpec> &fills) {
  if (!process_) {
    SPARKLE_TRY(process_, checked(ChildProcess::start({options_.path}, options_.environment)));
  }
  const auto answer = ask(PrepareRequest{bench, options_.layout, threads, fills});
  SPARKLE_TRY(const PrepareReply reply,
              checked(answer ? parse_prepare_reply(*answer) : Result<PrepareReply>(answer.error())));
  return reply.code;
}

Result<Elapsed> PeerProcess::run(int64_t times) {
  const auto answer = ask(RunRequest{times});
  return checked(answer ? parse_run_reply(*answer) : Result<Elapsed>(answer.error()));
}

Result<std::vector<double>> PeerProcess::values(const std::vector<int64_t> &at) {
  const auto answer = ask(ValuesRequest{at});
  auto checked_reply = checked(answer ? parse_values_reply(*answer) : Result<ValuesReply>(answer.error()));
  if (process_) failures_ = 0;
  SPARKLE_TRY(ValuesReply reply, std::move(checked_reply));
  if (reply.values.size() == at.size()) return std::move(reply.values);
  return Error{ErrorCode::kUnsupported,
               "it gave " + std::to_string(reply.values.size()) + " values in place of " + std::to_string(at.size())};
}

} // namespace sparkle::bench
