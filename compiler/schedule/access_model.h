// What a definition reads and writes, as strides: the input of the cost model.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/schedule/value_bounds.h"

namespace sparkle {

/// How long a reduction of open extent is taken to be.
constexpr int64_t kOpenTerms = 1024;

/// An output dimension or an axis of the main reduction.
struct ModelDim {
  std::string name;
  VarId var;
  int64_t extent = 1; ///< Open extents count as 1, of reductions as kOpenTerms.
  bool is_open = false;
  bool is_reduction = false;
};

/// One Read (or the Store) as a function of the dimensions.
struct ModelAccess {
  std::string tensor;
  bool is_constant = false;  ///< Does not change between runs.
  bool in_reduction = false; ///< Read once per term; else once per output element.
  int64_t element_bytes = 4;
  int64_t tensor_elements = 1;
  std::vector<int64_t> strides; ///< Per dimension, in elements of memory; meaningless where `irregular`.
  std::vector<bool> depends;    ///< Per dimension.
  std::vector<size_t> walked;   ///< The dimensions on which it depends, the shortest strides first.
  std::vector<bool> irregular;  ///< Per dimension: inside / % min max but for limits, or beyond a linear index.
  std::vector<bool> guarded;    ///< Per dimension: decides whether the read is inside.
  std::vector<bool> limited;    ///< Per dimension: clamped to the tensor, reflected at its edges or wrapped around.
};

struct DefinitionModel {
  std::vector<ModelDim> dims; ///< Output dimensions, then the axes of the main reduction.
  std::vector<ModelAccess> reads;
  ModelAccess store;
  int accumulators = 0; ///< Reductions computed together; 0: none.
  int counts = 0;       ///< Of them, those that read nothing: how many terms there are.
  int64_t narrowing =
      1; ///< Elements that the reduction can hold in place of one f32: of bytes, extrema and short sums.
  int64_t operations = 1;   ///< Arithmetic of one term (of one element without a reduction), beside loads.
  int64_t nested_terms = 1; ///< Terms of reductions inside a term or an element, that no scheduled loop computes.

  size_t parallel_dims() const;
  int64_t outputs() const; ///< Product of the output extents.
  int64_t terms() const;   ///< Product of the reduction extents.
};

/// Taken as one dimension (`dims`: slowest first), the access goes on in even steps from each element to the next one;
/// limits at the edges of the slower dimensions left aside.
bool is_even(const DefinitionModel &model, const ModelAccess &access, const std::vector<int> &dims);

/// Needs stage kImported.
DefinitionModel model_of(const Kernel &kernel, const TensorBounds &tensors = {});

} // namespace sparkle
