// One small function per operation and element type, picked when a kernel is compiled.
#include "targets/reference/arithmetic.h"
#include "targets/reference/code.h"

#include <bit>
#include <cstring>
#include <utility>

namespace sparkle::reference {
namespace {

template <class T> struct Tag { using type = T; };

/// Calls fn(Tag<T>) with the C++ type that frames hold for a scalar type.
template <class F> InstrFn with_type(Scalar scalar, Precision precision, F &&fn) {
  if (is_float(scalar) && precision == Precision::kEstimate) return fn(Tag<Estimate>{});
  switch (scalar) {
  case Scalar::kBool: return fn(Tag<uint8_t>{});
  case Scalar::kIndex: return fn(Tag<int64_t>{});
  case Scalar::kI32: return fn(Tag<int32_t>{});
  case Scalar::kF32: return fn(Tag<float>{});
  case Scalar::kF16: return fn(Tag<Half>{});
  case Scalar::kBF16: return fn(Tag<BFloat>{});
  case Scalar::kI8: return fn(Tag<int8_t>{});
  case Scalar::kU8: return fn(Tag<uint8_t>{});
  }
  return nullptr;
}

template <class T, UnaryOp op> bool do_unary(const Instr &i, Worker &w) {
  const T *a = at<T>(w, i.a);
  T *dst = at<T>(w, i.dst);
  for (int lane = 0; lane < i.lanes; ++lane) dst[lane] = apply(op, a[lane]);
  return true;
}

template <class T, BinaryOp op> bool do_binary(const Instr &i, Worker &w) {
  const T *a = at<T>(w, i.a);
  const T *b = at<T>(w, i.b);
  T *dst = at<T>(w, i.dst);
  for (int lane = 0; lane < i.lanes; ++lane) dst[lane] = apply(op, a[lane], b[lane]);
  return true;
}

template <class T, CompareOp op> bool do_compare(const Instr &i, Worker &w) {
  const T *a = at<T>(w, i.a);
  const T *b = at<T>(w, i.b);
  uint8_t *dst = at<uint8_t>(w, i.dst);
  for (int lane = 0; lane < i.lanes; ++lane) dst[lane] = apply(op, a[lane], b[lane]);
  return true;
}

/// a: condition, of `extra` lanes: 1 or those of the result.
template <class T> bool do_select(const Instr &i, Worker &w) {
  const uint8_t *cond = at<uint8_t>(w, i.a);
  const T *b = at<T>(w, i.b);
  const T *c = at<T>(w, i.c);
  T *dst = at<T>(w, i.dst);
  for (int lane = 0; lane < i.lanes; ++lane) dst[lane] = cond[i.extra == 1 ? 0 : lane] ? b[lane] : c[lane];
  return true;
}

template <class T> bool do_fma(const Instr &i, Worker &w) {
  const T *a = at<T>(w, i.a);
  const T *b = at<T>(w, i.b);
  const T *c = at<T>(w, i.c);
  T *dst = at<T>(w, i.dst);
  for (int lane = 0; lane < i.lanes; ++lane) dst[lane] = fused_multiply_add(a[lane], b[lane], c[lane]);
  return true;
}

template <class From, class To> bool do_cast(const Instr &i, Worker &w) {
  const From *a = at<From>(w, i.a);
  To *dst = at<To>(w, i.dst);
  for (int lane = 0; lane < i.lanes; ++lane) dst[lane] = convert<To>(a[lane]);
  return true;
}

/// To bool: "is not zero"; saturation would make -1 false.
template <class From> bool do_test(const Instr &i, Worker &w) {
  const From *a = at<From>(w, i.a);
  uint8_t *dst = at<uint8_t>(w, i.dst);
  for (int lane = 0; lane < i.lanes; ++lane) dst[lane] = comparable(a[lane]) != 0;
  return true;
}

bool do_bitcast(const Instr &i, Worker &w) {
  std::memcpy(at<uint32_t>(w, i.dst), at<uint32_t>(w, i.a), static_cast<size_t>(i.lanes) * sizeof(uint32_t));
  return true;
}

template <class T> bool do_broadcast(const Instr &i, Worker &w) {
  const T a = *at<T>(w, i.a);
  T *dst = at<T>(w, i.dst);
  for (int lane = 0; lane < i.lanes; ++lane) dst[lane] = a;
  return true;
}

template <class T, ReduceOp op> bool do_reduce_lanes(const Instr &i, Worker &w) {
  const T *a = at<T>(w, i.a);
  T result = a[0];
  for (int lane = 1; lane < i.extra; ++lane) result = apply(step_of(op), result, a[lane]);
  *at<T>(w, i.dst) = result;
  return true;
}

template <class Acc, class A, class B> bool do_dot(const Instr &i, Worker &w) {
  const A *a = at<A>(w, i.b);
  const B *b = at<B>(w, i.c);
  for (int lane = 0; lane < i.lanes; ++lane) {
    Acc sum = at<Acc>(w, i.a)[lane];
    for (int j = lane * i.extra; j < (lane + 1) * i.extra; ++j)
      sum = apply(BinaryOp::kAdd, sum, apply(BinaryOp::kMul, convert<Acc>(a[j]), convert<Acc>(b[j])));
    at<Acc>(w, i.dst)[lane] = sum;
  }
  return true;
}

template <class T, ReduceOp op> bool do_identity(const Instr &i, Worker &w) {
  *at<T>(w, i.dst) = identity<T>(op);
  return true;
}

template <class T> bool do_constant(const Instr &i, Worker &w) {
  if constexpr (std::same_as<T, Estimate>)
    *at<T>(w, i.dst) = Estimate::exact(std::bit_cast<double>(i.imm));
  else if constexpr (kIsReal<T>)
    *at<T>(w, i.dst) = convert<T>(static_cast<float>(std::bit_cast<double>(i.imm)));
  else
    *at<T>(w, i.dst) = static_cast<T>(i.imm);
  return true;
}

template <class T> bool do_copy_lane(const Instr &i, Worker &w) {
  *at<T>(w, i.dst) = *at<T>(w, i.a);
  return true;
}

bool do_ramp(const Instr &i, Worker &w) {
  const int64_t base = *at<int64_t>(w, i.a);
  for (int lane = 0; lane < i.lanes; ++lane) at<int64_t>(w, i.dst)[lane] = base + lane * i.imm;
  return true;
}

// ---- From a run-time enumerator to the function
// ------------------------------------------------------------------------

template <class T> InstrFn pick_unary(UnaryOp op) {
  switch (op) {
  case UnaryOp::kNeg: return do_unary<T, UnaryOp::kNeg>;
  case UnaryOp::kNot: return do_unary<T, UnaryOp::kNot>;
  case UnaryOp::kAbs: return do_unary<T, UnaryOp::kAbs>;
  case UnaryOp::kFloor: return do_unary<T, UnaryOp::kFloor>;
  case UnaryOp::kCeil: return do_unary<T, UnaryOp::kCeil>;
  case UnaryOp::kRound: return do_unary<T, UnaryOp::kRound>;
  case UnaryOp::kTrunc: return do_unary<T, UnaryOp::kTrunc>;
  case UnaryOp::kSqrt: return do_unary<T, UnaryOp::kSqrt>;
  case UnaryOp::kRsqrt: return do_unary<T, UnaryOp::kRsqrt>;
  case UnaryOp::kExp: return do_unary<T, UnaryOp::kExp>;
  case UnaryOp::kLog: return do_unary<T, UnaryOp::kLog>;
  case UnaryOp::kTanh: return do_unary<T, UnaryOp::kTanh>;
  case UnaryOp::kSigmoid: return do_unary<T, UnaryOp::kSigmoid>;
  case UnaryOp::kErf: return do_unary<T, UnaryOp::kErf>;
  }
  return nullptr;
}

template <class T> InstrFn pick_binary(BinaryOp op) {
  switch (op) {
  case BinaryOp::kAdd: return do_binary<T, BinaryOp::kAdd>;
  case BinaryOp::kSub: return do_binary<T, BinaryOp::kSub>;
  case BinaryOp::kMul: return do_binary<T, BinaryOp::kMul>;
  case BinaryOp::kDiv: return do_binary<T, BinaryOp::kDiv>;
  case BinaryOp::kMod: return do_binary<T, BinaryOp::kMod>;
  case BinaryOp::kMin: return do_binary<T, BinaryOp::kMin>;
  case BinaryOp::kMax: return do_binary<T, BinaryOp::kMax>;
  case BinaryOp::kAnd: return do_binary<T, BinaryOp::kAnd>;
  case BinaryOp::kOr: return do_binary<T, BinaryOp::kOr>;
  }
  return nullptr;
}

template <class T> InstrFn pick_compare(CompareOp op) {
  switch (op) {
  case CompareOp::kEq: return do_compare<T, CompareOp::kEq>;
  case CompareOp::kNe: return do_compare<T, CompareOp::kNe>;
  case CompareOp::kLt: return do_compare<T, CompareOp::kLt>;
  case CompareOp::kLe: return do_compare<T, CompareOp::kLe>;
  }
  return nullptr;
}

template <class T> InstrFn pick_reduce_lanes(ReduceOp op) {
  switch (op) {
  case ReduceOp::kSum: return do_reduce_lanes<T, ReduceOp::kSum>;
  case ReduceOp::kProd: return do_reduce_lanes<T, ReduceOp::kProd>;
  case ReduceOp::kMin: return do_reduce_lanes<T, ReduceOp::kMin>;
  case ReduceOp::kMax: return do_reduce_lanes<T, ReduceOp::kMax>;
  }
  return nullptr;
}

template <class T> InstrFn pick_identity(ReduceOp op) {
  switch (op) {
  case ReduceOp::kSum: return do_identity<T, ReduceOp::kSum>;
  case ReduceOp::kProd: return do_identity<T, ReduceOp::kProd>;
  case ReduceOp::kMin: return do_identity<T, ReduceOp::kMin>;
  case ReduceOp::kMax: return do_identity<T, ReduceOp::kMax>;
  }
  return nullptr;
}

template <class Acc> InstrFn pick_dot(Scalar a, Scalar b, Precision precision) {
  return with_type(a, precision, [&]<class A>(Tag<A>) {
    return with_type(b, precision, [&]<class B>(Tag<B>) -> InstrFn { return do_dot<Acc, A, B>; });
  });
}

} // namespace

int frame_bytes(Scalar scalar, Precision precision) {
  if (is_float(scalar) && precision == Precision::kEstimate) return sizeof(Estimate);
  return static_cast<int>(bytes_of(scalar));
}

InstrFn OpTable::unary(UnaryOp op, Scalar type) const {
  if ((op == UnaryOp::kNot) != (type == Scalar::kBool)) return nullptr;
  if (is_integer(type) && op != UnaryOp::kNeg && op != UnaryOp::kAbs) return nullptr;
  return with_type(type, precision_, [&]<class T>(Tag<T>) { return pick_unary<T>(op); });
}

InstrFn OpTable::binary(BinaryOp op, Scalar type) const {
  const bool logical = op == BinaryOp::kAnd || op == BinaryOp::kOr;
  if (logical != (type == Scalar::kBool)) return nullptr;
  return with_type(type, precision_, [&]<class T>(Tag<T>) { return pick_binary<T>(op); });
}

InstrFn OpTable::compare(CompareOp op, Scalar type) const {
  return with_type(type, precision_, [&]<class T>(Tag<T>) { return pick_compare<T>(op); });
}

InstrFn OpTable::select(Scalar type) const {
  return with_type(type, precision_, []<class T>(Tag<T>) -> InstrFn { return do_select<T>; });
}

InstrFn OpTable::fma(Scalar type) const {
  if (type == Scalar::kBool) return nullptr;
  return with_type(type, precision_, []<class T>(Tag<T>) -> InstrFn { return do_fma<T>; });
}

InstrFn OpTable::cast(Scalar from, Scalar to) const {
  return with_type(from, precision_, [&]<class From>(Tag<From>) -> InstrFn {
    if (to == Scalar::kBool) return do_test<From>;
    return with_type(to, precision_, []<class To>(Tag<To>) -> InstrFn { return do_cast<From, To>; });
  });
}

InstrFn OpTable::bitcast() const { return precision_ == Precision::kEstimate ? nullptr : do_bitcast; }

InstrFn OpTable::broadcast(Scalar type) const {
  return with_type(type, precision_, []<class T>(Tag<T>) -> InstrFn { return do_broadcast<T>; });
}

InstrFn OpTable::reduce_lanes(ReduceOp op, Scalar type) const {
  return with_type(type, precision_, [&]<class T>(Tag<T>) { return pick_reduce_lanes<T>(op); });
}

InstrFn OpTable::dot(Scalar acc, Scalar a, Scalar b) const {
  if (precision_ == Precision::kEstimate && is_float(acc)) return pick_dot<Estimate>(a, b, precision_);
  if (acc == Scalar::kF32) return pick_dot<float>(a, b, precision_);
  return acc == Scalar::kI32 ? pick_dot<int32_t>(a, b, precision_) : nullptr;
}

InstrFn OpTable::identity(ReduceOp op, Scalar type) const {
  return with_type(type, precision_, [&]<class T>(Tag<T>) { return pick_identity<T>(op); });
}

InstrFn OpTable::constant(Scalar type) const {
  return with_type(type, precision_, []<class T>(Tag<T>) -> InstrFn { return do_constant<T>; });
}

InstrFn OpTable::copy_lane(Scalar type) const {
  return with_type(type, precision_, []<class T>(Tag<T>) -> InstrFn { return do_copy_lane<T>; });
}

InstrFn OpTable::ramp() const { return do_ramp; }

} // namespace sparkle::reference
