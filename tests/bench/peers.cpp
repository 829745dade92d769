#include "tests/bench/peers.h"

#include <cstring>

#include "runtime/plain_c.h"
#ifdef SPARKLE_HAS_ONEDNN
#include "tools/peers/onednn_peer.h"
#endif

namespace sparkle::bench {
namespace {

/// The last one allows sums in another order than that of the text, as ours are.
const std::vector<std::string> kFlags{"-O3", "-march=native", "-ffast-math"};

class PlainPeer : public Peer {
public:
  PlainPeer(std::string description, HostTensor dst) : description_(std::move(description)), dst_(std::move(dst)) {}

  /// On `tensors`, but for the result, which is its own.
  Status bind(const std::shared_ptr<const Executable> &executable, Arguments tensors) {
    for (TensorArgument &argument : tensors.tensors)
      if (argument.name == "dst") argument.tensor = &dst_;
    SPARKLE_TRY(binding_, bind_program(executable, tensors));
    return ok();
  }
  Status run() override {
    const auto times = binding_->run();
    return times ? ok() : Status(times.error());
  }
  Status fetch(HostTensor &dst) override {
    std::memcpy(dst.data(), dst_.data(), static_cast<size_t>(dst_.span_bytes()));
    return ok();
  }
  std::string description() const override { return description_; }

private:
  std::string description_;
  HostTensor dst_;
  std::unique_ptr<Binding> binding_;
};

/// The program as it stands, through a C compiler of this machine (runtime/plain_c.h).
Result<std::unique_ptr<Peer>> make_plain_peer(const Executable &ours, const Arguments &tensors, const HostTensor &dst) {
  SPARKLE_TRY(const CCompiler compiler, find_c_compiler());
  SPARKLE_TRY(const auto executable, compile_plain_c(ours.imported, ours.machine, compiler, kFlags));
  SPARKLE_TRY(HostTensor own, HostTensor::allocate(dst.element(), dst.shape()));
  std::string description = compiler.name;
  for (const std::string &flag : kFlags) description += " " + flag;
  auto peer = std::make_unique<PlainPeer>(std::move(description), std::move(own));
  SPARKLE_TRY_STATUS(peer->bind(executable, tensors));
  return std::unique_ptr<Peer>(std::move(peer));
}

} // namespace

Result<std::unique_ptr<Peer>> make_peer(const std::string &name, [[maybe_unused]] const BenchCase &bench,
                                        const PeerInputs &inputs, const Executable &ours, const Arguments &tensors) {
  if (name == "plain") return make_plain_peer(ours, tensors, *inputs.dst);
#ifdef SPARKLE_HAS_ONEDNN
  return make_onednn_peer(bench, inputs);
#else
  return Error{ErrorCode::kUnsupported, "oneDNN 2 was not found when this was built"};
#endif
}

} // namespace sparkle::bench
