#include "targets/vulkan/glsl_accesses.h"

namespace sparkle::vulkan {

std::vector<ExprId> Places::expressions() const {
  std::vector<ExprId> out;
  for (const Place &place : places) {
    out.push_back(place.subscript);
    if (is_valid(place.component)) out.push_back(place.component);
  }
  return out;
}

Place AccessWriter::element(BufferId buffer, ExprId index) {
  const BufferView &view = c_.views.at(buffer);
  if (!view.scalars.empty()) return {view.scalars, index, "", kNoId<ExprId>};
  int width = view.quads.empty() ? 2 : 4;
  auto [quotient, remainder] = divide_index(c_.build, c_.ranges, c_.divisors, index, width);
  if (auto lane = c_.kernel.constant(remainder)) {
    return {view.array(width), quotient, std::string(component(static_cast<int>(*lane))), kNoId<ExprId>};
  }
  return {view.array(width), quotient, "", remainder};
}

/// The aligned access as one element of an array of vectors, or as half of one; nothing where the view has neither.
std::optional<Place> AccessWriter::vector_element(const Access &access) {
  if (!access.aligned) return std::nullopt;
  const BufferView &view = c_.views.at(access.buffer);
  ExprId base = lane_of(c_.build, access.index, 0);
  if (!view.array(access.lanes).empty()) {
    auto [quotient, remainder] = divide_index(c_.build, c_.ranges, c_.divisors, base, access.lanes);
    return Place{view.array(access.lanes), quotient, "", kNoId<ExprId>};
  }
  if (access.lanes != 2 || view.quads.empty()) return std::nullopt;
  auto [quotient, remainder] = divide_index(c_.build, c_.ranges, c_.divisors, base, 4);
  auto half = c_.kernel.constant(remainder);
  if (!half) return std::nullopt;
  return Place{view.quads, quotient, *half == 0 ? ".xy" : ".zw", kNoId<ExprId>};
}

Places AccessWriter::places(const Access &access) {
  Places out = find_places(access);
  out.is_narrow = c_.views.at(access.buffer).is_narrow;
  return out;
}

Places AccessWriter::find_places(const Access &access) {
  if (access.lanes == 1) return {{element(access.buffer, access.index)}, true};
  if (auto whole = vector_element(access)) return {{*whole}, true};
  if (auto index = uniform_lane(c_.kernel, access.index)) return {{element(access.buffer, *index)}, false, true};
  Places out;
  for (int lane = 0; lane < access.lanes; ++lane) {
    out.places.push_back(element(access.buffer, lane_of(c_.build, access.index, lane)));
  }
  return out;
}

Text AccessWriter::write(const Place &place) {
  std::string text = place.array + "[" + subscript(place.subscript) + "]" + place.components;
  if (is_valid(place.component)) text += "[" + subscript(place.component) + "]";
  return {text};
}

/// Subscripts of GLSL have 32 bits. That is enough: no device binds 2^31 elements as one buffer.
std::string AccessWriter::subscript(ExprId index) {
  bool is_wide = c_.kernel.index_bits == 64 && !c_.kernel.constant(index);
  return is_wide ? "int(" + e_.text(index) + ")" : e_.text(index);
}

/// Without 8- and 16-bit arithmetic, short elements can be nothing but converted: not swizzled either.
Text AccessWriter::load(const Places &places, const Place &place, Type type) {
  if (!places.is_narrow) return write(place);
  bool is_half = place.components.size() > 2; // `.xy` or `.zw` of a vector of 4.
  if (!is_half) return {c_.type_name(type) + "(" + write(place).text + ")"};
  Place whole{place.array, place.subscript, "", kNoId<ExprId>};
  return {c_.type_name(type.with_lanes(4)) + "(" + write(whole).text + ")" + place.components};
}

std::string AccessWriter::as_stored(const Places &places, Type type, const std::string &value) {
  if (!places.is_narrow) return value;
  // A signed vector is not converted at once: of that glslang 12 makes SPIR-V that is not valid.
  bool turns = type.scalar == Scalar::kU8 && type.is_vector();
  std::string unsigned_value = turns ? "uvec" + std::to_string(type.lanes) + "(" + value + ")" : value;
  return memory_type(type) + "(" + unsigned_value + ")";
}

Text AccessWriter::read(const Places &places, Type type) {
  if (places.is_whole) return load(places, places.places[0], type);
  std::string parts;
  for (const Place &place : places.places)
    parts += (parts.empty() ? "" : ", ") + load(places, place, type.with_lanes(1)).text;
  return {c_.type_name(type) + "(" + parts + ")"};
}

bool AccessWriter::is_split(const Store &store) {
  Access access = access_of(c_.kernel, c_.divisors, store);
  return access.lanes > 1 && !vector_element(access);
}

} // namespace sparkle::vulkan
