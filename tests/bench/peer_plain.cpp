// Plain C for a case: written, compiled and opened at run time.
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <unistd.h>

#include "tests/bench/peer.h"

namespace sparkle::bench {
namespace {

std::string number(int64_t value) { return std::to_string(value); }

/// Row-major subscript of an image.
std::string at(const BenchCase &bench, const char *h, const char *w, const char *c, const SpatialShape &y,
               const SpatialShape &x, bool is_input, int64_t channels) {
  const std::string rows = number(is_input ? y.in : y.out), columns = number(is_input ? x.in : x.out);
  const std::string all = number(channels);
  if (bench.layout == test::ImageLayout::kChannelsLast)
    return "((n*" + rows + " + " + h + ")*" + columns + " + " + w + ")*" + all + " + " + c;
  return "((n*" + all + " + " + c + ")*" + rows + " + " + h + ")*" + columns + " + " + w;
}

std::string loop(const std::string &var, const std::string &begin, const std::string &end) {
  return "for (long " + var + " = " + begin + "; " + var + " < " + end + "; ++" + var + ") ";
}

std::string c_type(const std::string &element) {
  return element == "f32" ? "float" : element == "u8" ? "uint8_t" : "int8_t";
}

/// Loops over results in the order of memory.
std::string outer_loops(const BenchCase &bench, int64_t channels) {
  const std::string pixels =
      loop("oh", "0", number(bench.shape.h().out)) + loop("ow", "0", number(bench.shape.w().out));
  const std::string c = loop("oc", "0", number(channels));
  return loop("n", "0", number(bench.shape.batch)) +
         (bench.layout == test::ImageLayout::kChannelsLast ? pixels + c : c + pixels);
}

std::string window_loops(const SpatialShape &h, const SpatialShape &w) {
  return loop("kh", "0", number(h.kernel)) + loop("kw", "0", number(w.kernel)) + "{\n      long ih = oh*" +
         number(h.stride) + " + kh*" + number(h.dilation) + " - " + number(h.pad) + ", iw = ow*" + number(w.stride) +
         " + kw*" + number(w.dilation) + " - " + number(w.pad) + ";\n      if (ih < 0 || ih >= " + number(h.in) +
         " || iw < 0 || iw >= " + number(w.in) + ") continue;\n      ";
}

std::string conv_body(const BenchCase &bench) {
  const ConvolutionShape &s = bench.shape;
  const int64_t inputs = s.ic / s.groups, outputs = s.oc / s.groups;
  const std::string channel = "oc/" + number(outputs) + "*" + number(inputs) + " + ic";
  const bool has_groups = s.groups > 1 && inputs > 1;
  std::string weight = "((kh*" + number(s.w().kernel) + " + kw)*" + number(inputs) + " + ic)*" + number(s.oc) + " + oc";
  if (has_groups)
    weight = "(((kh*" + number(s.w().kernel) + " + kw)*" + number(s.groups) + " + oc/" + number(outputs) + ")*" +
             number(inputs) + " + ic)*" + number(outputs) + " + oc%" + number(outputs);
  return "    float acc = 0;\n    " + window_loops(s.h(), s.w()) + loop("ic", "0", number(inputs)) + "acc += src[" +
         at(bench, "ih", "iw", ("(" + channel + ")").c_str(), s.h(), s.w(), true, s.ic) + "] * wei[" + weight +
         "];\n    }\n    acc += bias[oc];\n    dst[" + at(bench, "oh", "ow", "oc", s.h(), s.w(), false, s.oc) +
         "] = acc > 0 ? acc : 0;\n";
}

std::string pool_body(const BenchCase &bench) {
  const ConvolutionShape &s = bench.shape;
  const bool is_float = bench.element == "f32", is_max = bench.op == Op::kMaxPool;
  const std::string lowest = is_float ? "-__builtin_inff()" : bench.element == "u8" ? "0" : "-128";
  const std::string type = is_float ? "float" : "int";
  const std::string read = "src[" + at(bench, "ih", "iw", "oc", s.h(), s.w(), true, s.ic) + "]";
  const std::string body =
      is_max ? type + " x = " + read + "; acc = x > acc ? x : acc;" : "acc += " + read + "; ++count;";
  const std::string mean = is_float ? "acc / (float)count" : "(int)__builtin_rintf((float)acc / (float)count)";
  return "    " + type + " acc = " + (is_max ? lowest : "0") + "; " + (is_max ? "" : "int count = 0;") + "\n    " +
         window_loops(s.h(), s.w()) + body + "\n    }\n    dst[" +
         at(bench, "oh", "ow", "oc", s.h(), s.w(), false, s.ic) + "] = " + (is_max ? "acc" : mean) + ";\n";
}

std::string plain_text(const BenchCase &bench) {
  const std::string type = c_type(bench.element);
  const bool is_conv = bench.op == Op::kConv;
  return "#include <stdint.h>\nvoid kernel(const " + type +
         " *restrict src, const float *restrict wei, "
         "const float *restrict bias, " +
         type + " *restrict dst) {\n  " + outer_loops(bench, is_conv ? bench.shape.oc : bench.shape.ic) + "{\n" +
         (is_conv ? conv_body(bench) : pool_body(bench)) + "  }\n}\n";
}

using Function = void (*)(const void *, const void *, const void *, void *);

class PlainPeer : public Peer {
public:
  PlainPeer(void *library, Function function, const PeerInputs &inputs, HostTensor dst)
      : library_(library), function_(function), inputs_(inputs), dst_(std::move(dst)) {}
  ~PlainPeer() override { dlclose(library_); }

  void run() override {
    function_(inputs_.src->data(), inputs_.wei ? inputs_.wei->data() : nullptr,
              inputs_.bias ? inputs_.bias->data() : nullptr, dst_.data());
  }
  Status fetch(HostTensor &dst) override {
    std::memcpy(dst.data(), dst_.data(), static_cast<size_t>(dst_.span_bytes()));
    return ok();
  }
  std::string description() const override { return "clang -O3 -march=native -ffast-math"; }

private:
  void *library_;
  Function function_;
  PeerInputs inputs_;
  HostTensor dst_;
};

/// The compiled text, opened; the files are gone when this returns.
Result<void *> open_compiled(const std::string &text) {
  char folder[] = "/tmp/sparkle-bench-XXXXXX";
  if (!mkdtemp(folder)) return Error{ErrorCode::kIo, "no folder for the plain code"};
  const std::string source = std::string(folder) + "/kernel.c", object = std::string(folder) + "/kernel.so";
  std::ofstream(source) << text;
  const std::string command =
      "clang -O3 -march=native -ffast-math -shared -fPIC -o " + object + " " + source + " 2>/dev/null";
  const int status = std::system(command.c_str());
  void *library = status == 0 ? dlopen(object.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
  unlink(source.c_str());
  unlink(object.c_str());
  rmdir(folder);
  if (!library) return Error{ErrorCode::kUnsupported, "clang does not compile the plain code"};
  return library;
}

} // namespace

Result<std::unique_ptr<Peer>> make_plain_peer(const BenchCase &bench, const PeerInputs &inputs) {
  SPARKLE_TRY(void *library, open_compiled(plain_text(bench)));
  const auto function = reinterpret_cast<Function>(dlsym(library, "kernel"));
  SPARKLE_TRY(HostTensor dst, HostTensor::allocate(inputs.dst->element(), inputs.dst->shape()));
  return std::unique_ptr<Peer>(std::make_unique<PlainPeer>(library, function, inputs, std::move(dst)));
}

} // namespace sparkle::bench
