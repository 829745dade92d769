#include "compiler/import/import.h"

#include "compiler/import/flops.h"
#include "compiler/import/import_impl.h"
#include "compiler/ir/transplant.h"
#include "compiler/support/checked_math.h"
#include "dsl/check.h"
#include "dsl/parser.h"

namespace sparkle {
namespace {

Role role_of(dsl::TensorRole role) {
  switch (role) {
  case dsl::TensorRole::kInput: return Role::kInput;
  case dsl::TensorRole::kConst: return Role::kConst;
  case dsl::TensorRole::kInOut: return Role::kInout;
  case dsl::TensorRole::kOutput: return Role::kOutput;
  case dsl::TensorRole::kTable: break;
  case dsl::TensorRole::kLet: return Role::kWorkspace;
  }
  SPARKLE_CHECK(false, "a table has no memory");
}

/// Makes the tables of the program, then its kernels.
class ProgramImporter {
public:
  ProgramImporter(const dsl::BoundKernel &in, const ImportOptions &options) : in_(in), options_(options) {}

  Result<Program> run() {
    out_.name = in_.name;
    for (const dsl::BoundInt &bound : in_.ints)
      tables_.symbols.push_back(bound.open ? out_.symbols.add({bound.name, 0}) : kNoId<SymbolId>);
    for (const dsl::ScalarParam &param : in_.scalars)
      tables_.uniforms.push_back(out_.uniforms.add({param.name, wide(scalar_of(param.elem))}));
    for (const dsl::BoundTensor &tensor : in_.tensors) SPARKLE_TRY_STATUS(add_tensor(tensor));
    for (const dsl::Definition &definition : in_.definitions) {
      DefinitionImporter importer(in_, out_, tables_, options_.strict);
      SPARKLE_TRY(Kernel kernel, importer.run(definition));
      out_.kernels.push_back(std::move(kernel));
    }
    SPARKLE_TRY(const Flops flops, count_flops(in_, options_.strict));
    out_.flops = flops.nominal;
    out_.flops_executed = flops.executed;
    return std::move(out_);
  }

private:
  Status add_tensor(const dsl::BoundTensor &tensor) {
    if (tensor.role == dsl::TensorRole::kTable) {
      tables_.tensors.push_back(kNoId<TensorId>);
      return ok();
    }
    Tensor made{tensor.name, scalar_of(tensor.elem), {}, {}, role_of(tensor.role), 4};
    int64_t bytes = bytes_of(made.element);
    made.alignment = made.role == Role::kWorkspace ? 64 : static_cast<int>(bytes);
    for (const dsl::BoundDim &dim : tensor.dims) {
      SPARKLE_TRY(const Extent extent, extent_of(tensor, dim));
      made.extents.push_back(extent);
      if (!extent.is_constant() || extent.value == 0) continue;
      const auto product = checked_mul(bytes, extent.value);
      if (!product) return Error{ErrorCode::kShapeOverflow, "the size of `" + tensor.name + "` leaves 64 bits"};
      bytes = *product;
    }
    tables_.tensors.push_back(out_.tensors.add(std::move(made)));
    return ok();
  }

  Result<Extent> extent_of(const dsl::BoundTensor &tensor, const dsl::BoundDim &dim) const {
    const auto extent = dsl::SymInt::sub(dim.extent.end, dim.extent.begin);
    if (!extent) return Error{ErrorCode::kShapeOverflow, "an extent of `" + tensor.name + "` leaves 64 bits"};
    if (extent->is_constant()) return Extent{extent->constant(), kNoId<SymbolId>};
    const auto &terms = extent->terms();
    if (extent->constant() == 0 && terms.size() == 1 && terms.front().second == 1)
      return Extent{0, tables_.symbols[index_of(terms.front().first)]};
    return Error{ErrorCode::kUnsupported, "an extent of `" + tensor.name + "` is `" + text_of(in_, *extent) +
                                              "`; an open extent must be one dimension alone"};
  }

  const dsl::BoundKernel &in_;
  const ImportOptions &options_;
  ImportTables tables_;
  Program out_;
};

std::vector<std::optional<dsl::IndexRange>> ranges_of(const dsl::BoundKernel &in) {
  std::vector<std::optional<dsl::IndexRange>> ranges;
  for (const dsl::BoundIndex &index : in.indices) ranges.emplace_back(index.extent);
  return ranges;
}

} // namespace

DefinitionImporter::DefinitionImporter(const dsl::BoundKernel &in, const Program &program, const ImportTables &tables,
                                       bool strict)
    : in_(in), program_(program), tables_(tables), b_(out_), ranges_(ranges_of(in)), math_(ranges_) {
  out_.strict = strict;
}

Result<Kernel> DefinitionImporter::run(const dsl::Definition &definition) {
  out_.name = in_.tensors[definition.target].name;
  const BufferId target = buffer(definition.target);
  std::vector<VarId> vars;
  std::vector<ExprId> indices;
  for (dsl::IndexId index : definition.indices) {
    const std::string &name = in_.indices[index].name;
    vars.push_back(out_.add_var({name, kIndexType, VarKind::kLoop, name, 0}));
    indices_[index] = b_.var(vars.back());
    indices.push_back(b_.sub(b_.var(vars.back()), size(in_.indices[index].extent.begin)));
  }
  StmtId body = b_.store(target, std::move(indices), expr(definition.value));
  out_.set_range(body, definition.range);
  for (size_t i = vars.size(); i-- > 0;) {
    const dsl::BoundIndex &index = in_.indices[definition.indices[i]];
    const ExprId begin = size(index.extent.begin);
    body = b_.loop(vars[i], begin, size(index.extent.end), LoopKind::kSerial, body);
    out_.set_range(body, index.range);
  }
  out_.body = body;
  if (refusal_) return *refusal_;
  return std::move(out_);
}

void DefinitionImporter::refuse(ErrorCode code, std::string text) {
  if (!refusal_) refusal_ = Error{code, std::move(text)};
}

VarId DefinitionImporter::symbol(dsl::IntId id) {
  const auto [at, added] = symbols_.try_emplace(id, kNoId<VarId>);
  if (!added) return at->second;
  Variable variable{in_.ints[id].name, kIndexType, VarKind::kSymbol, {}, 0};
  variable.symbol = tables_.symbols[index_of(id)];
  return at->second = out_.add_var(std::move(variable));
}

ExprId DefinitionImporter::size(const dsl::SymInt &value) {
  ExprId sum = b_.index(0);
  for (const auto &[id, factor] : value.terms()) sum = b_.add(sum, b_.mul(b_.var(symbol(id)), b_.index(factor)));
  return b_.add(sum, b_.index(value.constant()));
}

ExprId DefinitionImporter::scalar(dsl::ScalarId id) {
  const UniformId uniform = tables_.uniforms[index_of(id)];
  const auto [at, added] = scalars_.try_emplace(id, kNoId<VarId>);
  if (added) {
    Variable variable{in_.scalars[id].name, {program_.uniforms[uniform].type, 1}, VarKind::kUniform, {}, 0};
    variable.uniform = uniform;
    at->second = out_.add_var(std::move(variable));
  }
  return b_.cast({scalar_of(in_.scalars[id].elem), 1}, b_.var(at->second));
}

BufferId DefinitionImporter::buffer(dsl::TensorId id) {
  const auto [at, added] = buffers_.try_emplace(id, kNoId<BufferId>);
  if (!added) return at->second;
  const TensorId tensor = tables_.tensors[index_of(id)];
  Buffer made = buffer_without_extents(program_, tensor);
  for (const dsl::BoundDim &dim : in_.tensors[id].dims)
    made.extents.push_back(size(*dsl::SymInt::sub(dim.extent.end, dim.extent.begin)));
  made.strides.resize(made.extents.size());
  ExprId stride = b_.index(1);
  for (size_t d = made.extents.size(); d-- > 0;) {
    made.strides[d] = stride;
    stride = b_.mul(stride, made.extents[d]);
  }
  return at->second = out_.add_buffer(std::move(made));
}

Result<Program> import_kernel(const dsl::BoundKernel &kernel, const ImportOptions &options) {
  return ProgramImporter(kernel, options).run();
}

Result<Program> import_source(const Source &source, const ImportRequest &request, Diagnostics &diagnostics) {
  SPARKLE_TRY(const dsl::File file, dsl::parse(source, diagnostics));
  SPARKLE_TRY(const dsl::CheckedFile checked, dsl::check(file, diagnostics));
  const dsl::BindRequest sizes{request.kernel, request.values, request.shapes, request.open};
  SPARKLE_TRY(const dsl::BoundKernel bound, dsl::bind(checked, sizes, diagnostics));
  SPARKLE_TRY(Program program, import_kernel(bound, {request.strict}));
  SPARKLE_TRY_STATUS(set_strides(program, request.strides));
  return program;
}

} // namespace sparkle
