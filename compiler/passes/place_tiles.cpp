#include "compiler/passes/place_tiles.h"

#include "compiler/analysis/imported.h"

namespace sparkle {
namespace {

/// A name that no dimension of the kernel has.
std::string tile_name(const Kernel &kernel, const std::string &dim) {
  std::string name = dim + "_tile";
  Definition def = definition_of(kernel);
  auto taken = [&] {
    for (const DefinitionDim &other : def.dims)
      if (other.name == name) return true;
    return false;
  };
  while (taken()) name += "_";
  return name;
}

/// One kernel of a fusion, rewritten: reads of the lets become reads of their tiles.
class LetTiler {
public:
  LetTiler(const Program &program, const Fusion &fusion, const Kernel &in)
      : program_(program), fusion_(fusion), in_(in), consumer_(program.kernels[fusion.consumer]) {}

  Kernel consumer() {
    Definition def = definition_of(in_);
    return rewrite_definition(in_, [&](Builder &b, Transplant &carry) {
      b_ = &b;
      carry.on_expr = [this, &carry, def](ExprId id) {
        return replaced(carry, id, [&](size_t loop) { return consumer_tile(carry, def, loop); });
      };
    });
  }

  /// for tiles, for rows { let[tiles, rows] = what stood at the element of that row }
  Kernel let(const FusedLet &let) {
    Kernel out = empty_like(in_);
    Builder b(out);
    b_ = &b;
    Transplant carry(in_, b);
    BufferId target = tile_buffer(let);
    std::vector<VarId> loops;
    for (const SharedLoop &loop : fusion_.loops) {
      std::string name = tile_name(in_, loop.dim);
      loops.push_back(out.add_var({name, kIndexType, VarKind::kLoop, name, 0}));
      tiles_.push_back(b.var(loops.back()));
    }
    carry.on_expr = [this, &carry](ExprId id) {
      return replaced(carry, id, [&](size_t loop) { return tiles_[loop]; });
    };
    std::vector<ExprId> indices = tiles_;
    Definition def = definition_of(in_);
    std::vector<std::pair<VarId, size_t>> rows; // With the dimension each one walks.
    for (size_t d = 0; d < def.dims.size(); ++d) {
      const TiledDim &dim = let.dims[d];
      ExprId row = b.index(0);
      if (dim.loop < 0 || dim.rows > 1) {
        rows.push_back({out.add_var(in_.var(def.dims[d].var)), d});
        row = b.var(rows.back().first);
      }
      enter_dim(carry, def.dims[d], dim, row);
      if (dim.loop < 0) row = b.sub(row, carry.expr(def.dims[d].begin));
      if (dim.loop < 0 || dim.rows > 1) indices.push_back(row);
    }
    StmtId body = b.store(target, std::move(indices), carry.expr(def.store->value));
    for (size_t i = rows.size(); i-- > 0;) {
      const DefinitionDim &dim = def.dims[rows[i].second];
      const TiledDim &tiled = let.dims[rows[i].second];
      body = tiled.loop < 0 ? b.loop(rows[i].first, carry.expr(dim.begin), carry.expr(dim.end), LoopKind::kSerial, body)
                            : b.loop(rows[i].first, tiled.rows, LoopKind::kSerial, body);
    }
    for (size_t l = loops.size(); l-- > 0;) body = b.loop(loops[l], b.index(0), count_of(l), LoopKind::kSerial, body);
    out.body = body;
    return out;
  }

private:
  ExprId consumer_tile(Transplant &carry, const Definition &def, size_t loop) {
    const SharedLoop &shared = fusion_.loops[loop];
    if (shared.count == 1) return b_->index(0);
    const DefinitionDim &dim = def.dims[shared.source];
    ExprId position = b_->sub(carry.var(dim.var), carry.expr(dim.begin));
    return b_->div(position, b_->index(shared.tile));
  }

  ExprId count_of(size_t loop) {
    const SharedLoop &shared = fusion_.loops[loop];
    if (shared.count) return b_->index(*shared.count);
    Transplant from(consumer_, *b_);
    const DefinitionDim dim = definition_of(consumer_).dims[shared.source];
    ExprId begin = from.expr(dim.begin);
    return b_->sub(from.expr(dim.end), begin);
  }

  /// The variable of a dimension as a function of tile and row; rows outside the let repeat its first or last element.
  void enter_dim(Transplant &carry, const DefinitionDim &dim, const TiledDim &tiled, ExprId row) {
    Builder &b = *b_;
    if (tiled.loop < 0) return carry.substitute(dim.var, row);
    const SharedLoop &loop = fusion_.loops[static_cast<size_t>(tiled.loop)];
    ExprId position = b.add(first_of(tiled, tiles_[static_cast<size_t>(tiled.loop)]), row);
    ExprId begin = carry.expr(dim.begin);
    ExprId extent = b.sub(carry.expr(dim.end), begin);
    auto length = b.kernel().constant(extent);
    bool same_end =
        tiled.step == 1 && tiled.first == 0 && tiled.rows == 1 && count_of(static_cast<size_t>(tiled.loop)) == extent;
    int64_t last = loop.count ? tiled.step * (*loop.count - 1) + tiled.first + tiled.rows - 1 : 0;
    bool ends_inside = same_end || (loop.count && length && last < *length);
    if (tiled.first < 0) position = b.max(position, b.index(0));
    if (!ends_inside) position = b.min(position, b.sub(extent, b.index(1)));
    carry.substitute(dim.var, b.add(begin, position));
  }

  ExprId first_of(const TiledDim &dim, ExprId tile) {
    return b_->add(b_->mul(tile, b_->index(dim.step)), b_->index(dim.first));
  }

  std::optional<ExprId> replaced(Transplant &carry, ExprId id, const std::function<ExprId(size_t)> &tile_of) {
    const auto *read = std::get_if<Read>(&in_.expr(id));
    const FusedLet *let = read ? fusion_.find(in_.buffer(read->buffer).tensor) : nullptr;
    if (!let) return std::nullopt;
    std::vector<ExprId> indices;
    for (size_t l = 0; l < fusion_.loops.size(); ++l) indices.push_back(tile_of(l));
    for (size_t d = 0; d < let->dims.size(); ++d) {
      const TiledDim &dim = let->dims[d];
      ExprId index = carry.expr(read->indices[d]);
      if (dim.loop < 0) {
        indices.push_back(index);
      } else if (dim.rows > 1) {
        indices.push_back(b_->sub(index, first_of(dim, tile_of(static_cast<size_t>(dim.loop)))));
      }
    }
    ExprId guard = is_valid(read->guard) ? carry.expr(read->guard) : kNoId<ExprId>;
    ExprId other = is_valid(read->other) ? carry.expr(read->other) : kNoId<ExprId>;
    return b_->read(tile_buffer(*let), std::move(indices), guard, other);
  }

  BufferId tile_buffer(const FusedLet &let) {
    Kernel &out = b_->kernel();
    for (uint32_t i = 0; i < out.buffer_count(); ++i)
      if (out.buffer(BufferId{i}).tensor == let.tensor) return BufferId{i};
    const Tensor &tensor = program_.tensors[let.tensor];
    Buffer buffer;
    buffer.name = tensor.name;
    buffer.element = tensor.element;
    buffer.role = tensor.role;
    buffer.tensor = let.tensor;
    buffer.alignment = tensor.alignment;
    for (size_t l = 0; l < fusion_.loops.size(); ++l) buffer.extents.push_back(count_of(l));
    for (int64_t rows : let.tile) buffer.extents.push_back(b_->index(rows));
    ExprId stride = b_->index(1);
    buffer.strides.resize(buffer.extents.size());
    for (size_t i = buffer.extents.size(); i-- > 0;) {
      buffer.strides[i] = stride;
      stride = b_->mul(stride, buffer.extents[i]);
    }
    return out.add_buffer(std::move(buffer));
  }

  const Program &program_;
  const Fusion &fusion_;
  const Kernel &in_;
  const Kernel &consumer_;
  Builder *b_ = nullptr; ///< Of the kernel being made.
  std::vector<ExprId> tiles_;
};

/// Where all loops have a known count, the tensor is the one that the kernels' buffers show.
void renew_tensor(Tensor &tensor, const Fusion &fusion, const std::vector<int64_t> &rows) {
  std::vector<Extent> extents;
  for (const SharedLoop &loop : fusion.loops) {
    if (!loop.count) return;
    extents.push_back({*loop.count, kNoId<SymbolId>});
  }
  for (int64_t extent : rows) extents.push_back({extent, kNoId<SymbolId>});
  tensor.extents = std::move(extents);
  tensor.strides.clear();
}

} // namespace

void tile_lets(Program &program, const Fusion &fusion) {
  std::vector<std::pair<size_t, Kernel>> done; // All are made from the kernels as they were.
  for (const FusedLet &let : fusion.lets)
    done.push_back({let.kernel, LetTiler(program, fusion, program.kernels[let.kernel]).let(let)});
  done.push_back({fusion.consumer, LetTiler(program, fusion, program.kernels[fusion.consumer]).consumer()});
  for (auto &[index, kernel] : done) program.kernels[index] = std::move(kernel);
  for (const FusedLet &let : fusion.lets) renew_tensor(program.tensors[let.tensor], fusion, let.tile);
}

} // namespace sparkle
