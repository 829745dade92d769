#include "compiler/schedule/schedule.h"

#include <algorithm>

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule_words.h"
#include "compiler/support/string_builder.h"
#include "compiler/support/text_reader.h"

namespace sparkle {
namespace {

class Printer {
public:
  explicit Printer(const KernelSchedule &kernel) : kernel_(kernel) {}

  std::string print() {
    out_.line("kernel ", quote_word(kernel_.kernel), " {").indent();
    const size_t empty = out_.text().size();
    print_dims();
    if (!kernel_.order.empty()) out_.line("order", refs(kernel_.order));
    for (const Staging &staging : kernel_.stagings) print_staging(staging);
    for (const PrefetchHint &hint : kernel_.prefetches) print_prefetch(hint);
    if (!kernel_.partition.empty()) out_.line("partition", words(kernel_.partition));
    if (!kernel_.clip) out_.line("clip off");
    if (kernel_.split_reduction != 1) out_.line("split_reduction ", kernel_.split_reduction);
    if (kernel_.store == StoreKind::kStreaming) out_.line("store streaming");
    // An entry says nothing only to store what would be inlined without it; then it had better say so.
    const bool is_bare = out_.text().size() == empty;
    if (kernel_.placement == Placement::kInline)
      out_.line("place inline");
    else if (kernel_.placement == Placement::kAt)
      print_place_at();
    else if (is_bare)
      out_.line("place stored");
    out_.dedent();
    out_.line("}");
    return out_.take();
  }

private:
  void print_dims() {
    for (const DimSchedule &dim : kernel_.dims) {
      if (!dim.fused.empty()) out_.line("fuse ", quote_word(dim.dim), " =", words(dim.fused));
      if (dim.splits.empty()) {
        if (dim.fused.empty()) out_.line("split ", quote_word(dim.dim), ':');
        continue;
      }
      StringBuilder splits;
      for (const Split &split : dim.splits) {
        splits << (splits.empty() ? " " : ", ") << name_of(split.kind);
        if (split.factor != 0) splits << ' ' << split.factor;
      }
      out_.line("split ", quote_word(dim.dim), ':', splits.text());
    }
  }

  void print_staging(const Staging &staging) {
    StringBuilder text;
    text << "stage " << quote_word(staging.tensor) << ' ' << name_of(staging.level);
    if (staging.at) text << " at" << refs({*staging.at});
    if (!staging.layout.empty()) text << " layout" << refs(staging.layout);
    if (staging.skew != 0) text << " skew " << staging.skew;
    if (!staging.walk.empty()) text << " walk" << refs(staging.walk);
    if (staging.lanes != 1) text << " lanes " << staging.lanes;
    if (staging.buffers != 1) text << " buffers " << staging.buffers;
    if (staging.ahead != 0) text << " ahead " << staging.ahead;
    out_.line(text.text());
  }

  void print_place_at() {
    StringBuilder text;
    text << "place at " << kernel_.at.loop.text() << " of " << quote_word(kernel_.at.consumer);
    if (!kernel_.at.skew.empty()) text << " skew";
    for (const int64_t elements : kernel_.at.skew) text << ' ' << elements;
    out_.line(text.text());
  }

  void print_prefetch(const PrefetchHint &hint) {
    StringBuilder text;
    text << "prefetch " << quote_word(hint.tensor) << " at" << refs({hint.at}) << " distance " << hint.distance
         << " cache " << hint.cache;
    out_.line(text.text());
  }

  std::string refs(const std::vector<LoopRef> &loops) const {
    std::string text;
    for (const LoopRef &loop : loops) text += ' ' + (is_single(loop) ? loop.dim : loop.text());
    return text;
  }

  /// True for the one loop of a dimension that is not split, unless its bare name would be read as something else.
  bool is_single(const LoopRef &loop) const {
    if (loop.split != 0 || is_option_word(loop.dim) || loop.dim.find('.') != std::string::npos) return false;
    const auto has_name = [&](const DimSchedule &dim) { return dim.dim == loop.dim; };
    const auto found = std::find_if(kernel_.dims.begin(), kernel_.dims.end(), has_name);
    return found == kernel_.dims.end() || found->splits.size() <= 1;
  }

  static std::string words(const std::vector<std::string> &names) {
    std::string text;
    for (const std::string &name : names) text += ' ' + quote_word(name);
    return text;
  }

  const KernelSchedule &kernel_;
  StringBuilder out_;
};

} // namespace

const KernelSchedule *Schedule::find(std::string_view kernel) const {
  const auto found =
      std::find_if(kernels.begin(), kernels.end(), [&](const KernelSchedule &entry) { return entry.kernel == kernel; });
  return found == kernels.end() ? nullptr : &*found;
}

std::string to_text(const Schedule &schedule) {
  std::string text;
  for (const KernelSchedule &kernel : schedule.kernels) text += Printer(kernel).print();
  return text;
}

} // namespace sparkle
