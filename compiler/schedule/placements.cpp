// Where each `let` is computed: add_placements of cost_model.h.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "compiler/analysis/imported.h"
#include "compiler/analysis/walk.h"
#include "compiler/schedule/cost_model.h"
#include "compiler/schedule/fusion.h"
#include "compiler/schedule/inlining.h"
#include "compiler/schedule/loop_model.h"
#include "compiler/schedule/loop_plan.h"
#include "compiler/schedule/shared_groups.h"
#include "compiler/schedule/tile_skew.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// Part of a cache that a group's tiles may fill: inputs, the output and the stack pass through it too.
constexpr double kTileShare = 0.5;
/// Larger tiles gain nothing: what neighbours share is below 10% of them for the usual stencils.
constexpr int64_t kLargestTile = 64;
/// The prediction must promise this much before lets leave their kernels.
constexpr double kLeastGain = 0.95;

/// A reduction is computed again for each read of its result: only reads at one point of the consumer's own loops are
/// free.
bool is_read_pointwise_once(const Program &program, TensorId tensor) {
  size_t reads = 0;
  for (const Kernel &kernel : program.kernels) {
    Definition def = definition_of(kernel);
    for (ExprId id : reads_of(kernel, def.store->value)) {
      const Read &read = std::get<Read>(kernel.expr(id));
      if (kernel.buffer(read.buffer).tensor != tensor) continue;
      ++reads;
      for (ExprId reduce : outer_reduces(kernel, def.store->value))
        for (ExprId inner : reads_of(kernel, reduce))
          if (inner == id) return false;
      if (read.indices.size() != def.dims.size()) return false;
    }
  }
  return reads == 1;
}

bool reads_tensor(const Kernel &kernel, TensorId tensor) {
  for (ExprId id : reads_of(kernel, definition_of(kernel).store->value))
    if (kernel.buffer(std::get<Read>(kernel.expr(id)).buffer).tensor == tensor) return true;
  return false;
}

/// Functions that take tens of operations: better kept than computed once more.
bool has_function(const Kernel &kernel) {
  bool found = false;
  for_each_expr(kernel, definition_of(kernel).store->value, [&](ExprId id) {
    const auto *unary = std::get_if<Unary>(&kernel.expr(id));
    found |= unary && (unary->op == UnaryOp::kExp || unary->op == UnaryOp::kLog || unary->op == UnaryOp::kTanh ||
                       unary->op == UnaryOp::kSigmoid || unary->op == UnaryOp::kErf);
  });
  return found;
}

double bytes_of_tensor(const Program &program, TensorId id) {
  double bytes = bytes_of(program.tensors[id].element);
  for (const Extent &extent : program.tensors[id].extents)
    bytes *= static_cast<double>(extent.is_constant() ? extent.value : 1);
  return bytes;
}

std::set<TensorId> tensors_of(const Kernel &kernel) {
  std::set<TensorId> tensors = {tensor_written(kernel)};
  for (ExprId id : reads_of(kernel, definition_of(kernel).store->value))
    tensors.insert(kernel.buffer(std::get<Read>(kernel.expr(id)).buffer).tensor);
  return tensors;
}

/// Places the lets that only one stored definition needs, if that is faster.
class FusionChooser {
public:
  FusionChooser(const Program &source, const TargetInfo &info, Schedule &schedule)
      : source_(source), info_(info), schedule_(schedule), tensors_(tensor_bounds(source)) {
    for (const KernelSchedule &entry : schedule.kernels) given_.insert(entry.kernel);
  }

  void run() {
    // The last ones first: what they take leaves less for definitions on the way.
    for (size_t k = source_.kernels.size(); k-- > 0;) fuse_into(source_.kernels[k].name);
  }

private:
  struct Choice {
    Schedule schedule;
    double seconds = std::numeric_limits<double>::infinity();
  };

  void fuse_into(const std::string &consumer) {
    if (schedule_.find(consumer)) return; // Given, inlined, or at a loop itself.
    Schedule trial = schedule_;
    keep_functions(trial);
    Program program = inline_lets(source_, trial);
    std::vector<size_t> lets = lets_of(program, trial, consumer);
    if (lets.empty()) return;
    Program stored = inline_lets(source_, schedule_);
    double separate = 0;
    for (const std::string &name : names_of(program, lets))
      if (const Kernel *kernel = find(stored, name)) separate += seconds_of(stored, *kernel);
    separate += seconds_of(stored, *find(stored, consumer));
    Choice best = best_tiles(program, trial, lets, consumer);
    if (best.seconds < separate * kLeastGain) schedule_ = std::move(best.schedule);
  }

  /// Inlined lets with costly functions that several definitions read: as candidates for a place at a loop.
  void keep_functions(Schedule &trial) const {
    for (const Kernel &kernel : source_.kernels) {
      size_t readers = 0;
      for (const Kernel &other : source_.kernels) readers += reads_tensor(other, tensor_written(kernel));
      if (readers < 2 || !has_function(kernel) || given_.contains(kernel.name)) continue;
      std::erase_if(trial.kernels, [&](const KernelSchedule &entry) {
        return entry.kernel == kernel.name && entry.placement == Placement::kInline;
      });
    }
  }

  static const Kernel *find(const Program &program, const std::string &name) {
    for (const Kernel &kernel : program.kernels)
      if (kernel.name == name) return &kernel;
    return nullptr;
  }

  static std::vector<std::string> names_of(const Program &program, const std::vector<size_t> &kernels) {
    std::vector<std::string> names;
    for (size_t k : kernels) names.push_back(program.kernels[k].name);
    return names;
  }

  /// Stored lets that nobody but the consumer and these lets themselves reads, in order.
  static std::vector<size_t> lets_of(const Program &program, const Schedule &trial, const std::string &consumer) {
    std::vector<size_t> inside, lets;
    size_t last = 0;
    while (program.kernels[last].name != consumer) ++last;
    inside.push_back(last);
    for (size_t k = last; k-- > 0;) {
      const Kernel &kernel = program.kernels[k];
      TensorId tensor = tensor_written(kernel);
      if (program.tensors[tensor].role != Role::kWorkspace || trial.find(kernel.name) || is_constant(program, k))
        continue;
      bool needed = false, elsewhere = false;
      for (size_t other = 0; other < program.kernels.size(); ++other) {
        if (!reads_tensor(program.kernels[other], tensor)) continue;
        bool is_inside = std::find(inside.begin(), inside.end(), other) != inside.end();
        (is_inside ? needed : elsewhere) = true;
      }
      if (!needed || elsewhere) continue;
      inside.push_back(k);
      lets.insert(lets.begin(), k);
    }
    return lets;
  }

  static bool is_constant(const Program &program, size_t k) {
    for (TensorId tensor : tensors_of(program.kernels[k])) {
      Role role = program.tensors[tensor].role;
      if (tensor != tensor_written(program.kernels[k]) && role != Role::kConst && role != Role::kPacked) return false;
    }
    return true;
  }

  struct Alone {
    KernelSchedule schedule;
    double compute_seconds = 0;
  };

  /// In groups of its own. By name and size: what is inlined differs from trial to trial.
  const Alone &alone(const Kernel &kernel) {
    auto [entry, is_new] = alone_.try_emplace(kernel.name + std::to_string(kernel.expr_count()));
    if (is_new) {
      entry->second.schedule = choose_shared_schedule(kernel, info_, 0, 1, tensors_);
      entry->second.compute_seconds = predict(kernel, entry->second.schedule, info_, tensors_).compute_seconds;
    }
    return entry->second;
  }

  /// Time to move `bytes` when all that a kernel touches is `touched` bytes.
  double memory_seconds(double bytes, double touched) const {
    for (const MemoryInfo &memory : info_.memories)
      if (!memory.explicit_fill && memory.bytes_per_cycle > 0 &&
          (memory.bytes == 0 || static_cast<double>(memory.bytes) * kTileShare >= touched))
        return bytes / (memory.bytes_per_cycle * static_cast<double>(info_.units) * info_.clock_ghz * 1e9);
    return 0;
  }

  /// Between far memory and these kernels, each tensor once but for those that they keep to themselves; what is written
  /// is read before, line by line.
  double far_seconds(const Program &program, const std::vector<const Kernel *> &kernels,
                     const std::set<TensorId> &kept = {}) {
    std::set<TensorId> all, written;
    double bytes = 0;
    for (const Kernel *kernel : kernels) {
      all.merge(tensors_of(*kernel));
      written.insert(tensor_written(*kernel));
    }
    for (TensorId tensor : all)
      if (!kept.contains(tensor)) bytes += bytes_of_tensor(program, tensor) * (written.contains(tensor) ? 2 : 1);
    return memory_seconds(bytes, bytes);
  }

  static double together(double compute, double memory) {
    return std::max(compute, memory) + kNotOverlapped * std::min(compute, memory);
  }

  double seconds_of(const Program &program, const Kernel &kernel) {
    return together(alone(kernel).compute_seconds, far_seconds(program, {&kernel})) + info_.launch_us * 1e-6;
  }

  /// `compute`: of the consumer's own work.
  double fused_seconds(const Program &program, const Fusion &fusion, double compute) {
    const Kernel &consumer = program.kernels[fusion.consumer];
    double tiles = 0, groups = 1;
    std::vector<const Kernel *> kernels = {&consumer};
    std::set<TensorId> kept;
    for (const FusedLet &let : fusion.lets) {
      kernels.push_back(&program.kernels[let.kernel]);
      compute += alone(*kernels.back()).compute_seconds * let.repeats;
      kept.insert(let.tensor);
      tiles += static_cast<double>(let.elements * bytes_of(program.tensors[let.tensor].element));
    }
    for (const SharedLoop &loop : fusion.loops) groups *= static_cast<double>(loop.count.value_or(1));
    double units = static_cast<double>(info_.units);
    double idle = std::ceil(groups / units) * units / std::max(1.0, groups);
    double starts = groups / units * info_.task_cycles / (info_.clock_ghz * 1e9);
    const double moved = 2 * tiles * groups;
    return together(compute * idle, far_seconds(program, kernels, kept)) + memory_seconds(moved, tiles) + starts +
           info_.launch_us * 1e-6;
  }

  /// Tries tiles along the outer dimensions with which all lets move.
  Choice best_tiles(const Program &program, const Schedule &trial, const std::vector<size_t> &lets,
                    const std::string &consumer) {
    const Kernel &kernel = *find(program, consumer);
    KernelSchedule base = alone(kernel).schedule;
    walk_along_lanes(kernel, base);
    const DefinitionModel model = model_of(kernel, tensors_);
    const LoopPlanner planner(kernel);
    Choice best;
    Definition def = definition_of(kernel);
    std::vector<std::string> dims;
    for (const DefinitionDim &dim : def.dims) {
      auto begin = kernel.constant(dim.begin), end = kernel.constant(dim.end);
      int64_t extent = begin && end ? *end - *begin : 0;
      dims.push_back(dim.name);
      for (int64_t tile : tiles_of(base, dim.name, extent)) {
        Schedule next = trial;
        if (!add_entries(next, program, lets, base, dims, extent, tile)) continue;
        auto fusions = plan_fusions(program, next);
        if (!fusions || fusions->size() != 1) continue;
        const Prediction own = predict(model, planner, *next.find(consumer), info_);
        double seconds = fused_seconds(program, fusions->front(), own.compute_seconds);
        if (seconds >= best.seconds) continue;
        add_skews(program, fusions->front(), next);
        best = {std::move(next), seconds};
      }
    }
    return best;
  }

  /// To the lets that are placed here; given entries say theirs.
  void add_skews(const Program &program, const Fusion &fusion, Schedule &schedule) const {
    for (const FusedLet &let : fusion.lets)
      for (KernelSchedule &entry : schedule.kernels)
        if (entry.kernel == program.kernels[let.kernel].name && !given_.contains(entry.kernel))
          entry.at.skew = choose_skew(let.tile, bytes_of(program.tensors[let.tensor].element), info_);
  }

  /// Powers of two, and beside each the next multiple of the dimension's register tile.
  static std::vector<int64_t> tiles_of(const KernelSchedule &base, const std::string &name, int64_t extent) {
    int64_t inner = 1;
    for (const DimSchedule &dim : base.dims)
      for (size_t i = 1; dim.dim == name && i < dim.splits.size(); ++i) inner *= dim.splits[i].factor;
    std::vector<int64_t> tiles;
    for (int64_t tile = 1; tile <= std::max<int64_t>(1, std::min(extent, kLargestTile)); tile *= 2) {
      tiles.push_back(tile);
      const int64_t whole = ceil_div(tile, inner) * inner;
      if (whole <= extent && std::ranges::find(tiles, whole) == tiles.end()) tiles.push_back(whole);
    }
    return tiles;
  }

  /// The consumer's groups are tiles of one along `dims`, of `tile` along the last of these.
  /// `extent`: of the last one.
  static bool add_entries(Schedule &schedule, const Program &program, const std::vector<size_t> &lets,
                          const KernelSchedule &base, const std::vector<std::string> &dims, int64_t extent,
                          int64_t tile) {
    KernelSchedule entry = base;
    for (DimSchedule &dim : entry.dims) {
      if (joins_rows(dim) && dim.splits.front().kind == LoopKind::kGroup) return false;
      for (Split &split : dim.splits)
        if (split.kind == LoopKind::kGroup) split.kind = LoopKind::kSerial;
    }
    std::vector<LoopRef> groups;
    for (const std::string &name : dims) {
      if (!make_group(entry, name, extent, name == dims.back() ? tile : 1)) return false;
      groups.push_back({name, 0});
    }
    entry.order.insert(entry.order.begin(), groups.begin(), groups.end());
    entry.kernel = base.kernel;
    std::erase_if(entry.prefetches, [&](const PrefetchHint &hint) { // A tile is near.
      return std::ranges::any_of(lets, [&](size_t k) { return program.kernels[k].name == hint.tensor; });
    });
    schedule.kernels.push_back(entry);
    for (size_t k : lets) {
      KernelSchedule let;
      let.kernel = program.kernels[k].name;
      let.placement = Placement::kAt;
      let.at = {groups.back(), base.kernel, {}};
      schedule.kernels.push_back(std::move(let));
    }
    return true;
  }

  /// Adds an outermost group loop to `name`, whose tiles are `tile` long; its other loops keep their place.
  static bool make_group(KernelSchedule &entry, const std::string &name, int64_t extent, int64_t tile) {
    auto dim = std::find_if(entry.dims.begin(), entry.dims.end(), [&](const DimSchedule &d) { return d.dim == name; });
    if (dim == entry.dims.end()) return false;
    int64_t inner = 1;
    for (size_t i = 1; i < dim->splits.size(); ++i) inner *= dim->splits[i].factor;
    if (tile % inner != 0) return replace_loops(entry, *dim, tile);
    if (extent % tile != 0 && tile > 1 && std::ranges::find(entry.partition, name) == entry.partition.end())
      entry.partition.push_back(name);
    if (dim->splits.empty()) dim->splits.push_back({LoopKind::kSerial, 0});
    LoopRef outer{name, 0};
    if (tile == inner) {
      dim->splits.front() = {LoopKind::kGroup, 0};
      std::erase(entry.order, outer);
      return true;
    }
    dim->splits.front() = {LoopKind::kSerial, tile / inner};
    dim->splits.insert(dim->splits.begin(), {LoopKind::kGroup, 0});
    for (LoopRef &loop : entry.order) loop.split += loop.dim == name;
    for (Staging &staging : entry.stagings) {
      for (std::vector<LoopRef> *loops : {&staging.layout, &staging.walk})
        for (LoopRef &loop : *loops) loop.split += loop.dim == name;
      for (size_t i = 0; i < staging.layout.size(); ++i)
        if (staging.layout[i] == LoopRef{name, 1}) {
          staging.layout.insert(staging.layout.begin() + static_cast<std::ptrdiff_t>(i), outer);
          break;
        }
    }
    for (PrefetchHint &hint : entry.prefetches) hint.at.split += hint.at.dim == name;
    return true;
  }

  /// Tiles that the dimension's own register tile does not divide: a group and a serial loop alone.
  static bool replace_loops(KernelSchedule &entry, DimSchedule &dim, int64_t tile) {
    auto names = [&](const std::vector<LoopRef> &loops) {
      return std::any_of(loops.begin(), loops.end(), [&](const LoopRef &loop) { return loop.dim == dim.dim; });
    };
    for (const Split &split : dim.splits)
      if (split.kind == LoopKind::kLane || split.kind == LoopKind::kWorker) return false;
    for (const Staging &staging : entry.stagings)
      if (names(staging.layout)) return false;
    dim.splits = {{LoopKind::kGroup, 0}};
    std::erase_if(entry.order, [&](const LoopRef &loop) { return loop.dim == dim.dim; });
    std::erase_if(entry.prefetches, [&](const PrefetchHint &hint) { return names({hint.at}); });
    if (tile == 1) return true;
    dim.splits.push_back({LoopKind::kSerial, tile});
    entry.order.insert(entry.order.begin(), {dim.dim, 1});
    return true;
  }

  const Program &source_;
  const TargetInfo &info_;
  Schedule &schedule_;
  TensorBounds tensors_;
  std::set<std::string> given_; ///< Definitions that the caller placed.
  std::map<std::string, Alone> alone_;
};

} // namespace

void add_placements(const Program &program, const TargetInfo &info, Schedule &schedule) {
  FusionChooser chooser(program, info, schedule);
  for (const Kernel &kernel : program.kernels) {
    Definition def = definition_of(kernel);
    TensorId tensor = tensor_written(kernel);
    if (program.tensors[tensor].role != Role::kWorkspace || schedule.find(kernel.name)) continue;
    bool cheap = outer_reduces(kernel, def.store->value).empty();
    KernelSchedule entry;
    entry.kernel = kernel.name;
    entry.placement = cheap || is_read_pointwise_once(program, tensor) ? Placement::kInline : Placement::kStored;
    // Stored definitions are scheduled by choose_kernel_schedule: an entry without loops would stop that.
    if (entry.placement == Placement::kInline) schedule.kernels.push_back(std::move(entry));
  }
  // A group of many workers would have to spread the rows of its tiles over them; no split does that by itself.
  if (info.max_workers == 1) chooser.run();
}

} // namespace sparkle
