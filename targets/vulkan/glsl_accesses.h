// Loads and stores: which array elements they are, and the lines that do them.
#pragma once

#include "targets/vulkan/glsl_expressions.h"

namespace sparkle::vulkan {

/// An element of an array of GLSL, or a component of one.
struct Place {
  std::string array;
  ExprId subscript;
  std::string components;           ///< `.x`, `.zw`; empty: the whole element.
  ExprId component = kNoId<ExprId>; ///< Instead: a component whose number is not constant.
};

/// A whole access: one place, or one for each lane.
struct Places {
  std::vector<Place> places;
  bool is_whole = false;   ///< places[0] holds all lanes.
  bool is_uniform = false; ///< places[0] is the scalar that all lanes get.
  bool is_narrow = false;  ///< What is read and written is converted: BufferView::is_narrow.
  std::vector<ExprId> expressions() const;
};

class AccessWriter {
public:
  AccessWriter(GlslContext &context, ExpressionWriter &expressions) : c_(context), e_(expressions) {}

  Places places(const Access &access);
  Text write(const Place &place);
  /// One of the places as a value of `type`.
  Text load(const Places &places, const Place &place, Type type);
  /// All lanes as one value of `type`.
  Text read(const Places &places, Type type);
  /// `value`, of `type`, as one of the places takes it.
  static std::string as_stored(const Places &places, Type type, const std::string &value);
  /// True when the lanes of a store are written one by one.
  bool is_split(const Store &store);

private:
  Places find_places(const Access &access);
  Place element(BufferId buffer, ExprId index);
  std::optional<Place> vector_element(const Access &access);
  std::string subscript(ExprId index);
  GlslContext &c_;
  ExpressionWriter &e_;
};

} // namespace sparkle::vulkan
