#include "tests/unit/targets/x86/random_flat_code.h"

#include <random>

namespace sparkle::x86 {
namespace {

constexpr int kMaxDepth = 3;
constexpr uint32_t kPoolWords = 32;

class Generator {
public:
  explicit Generator(const RandomCode &code) : code_(code), random_(code.seed) {
    function_.name = "random";
    function_.isa = code.isa;
    for (uint32_t i = 0; i < 4 * kPoolWords; ++i) function_.pool.push_back(static_cast<uint8_t>(random_()));
  }
  Function run();

private:
  int below(int end) { return static_cast<int>(random_() % static_cast<uint32_t>(end)); }
  bool one_in(int n) { return below(n) == 0; }
  template <class T> T pick(std::initializer_list<T> list) {
    return *(list.begin() + below(static_cast<int>(list.size())));
  }
  VReg pick(const std::vector<VReg> &list) { return list[static_cast<size_t>(below(static_cast<int>(list.size())))]; }
  VReg fresh(RegClass reg_class) { return function_.add_register(reg_class); }

  Inst &add(Op op, int bytes, VReg dst, std::initializer_list<VReg> sources = {});
  void place(Label label) { add(Op::kLabel, 0, kNoId<VReg>).label = label; }
  void constant(VReg dst, int64_t value) { add(Op::kGConst, 8, dst).immediate = value; }
  Address at(VReg base, int displacement);
  Address pool(int bytes);
  Address readable(int bytes);

  /// Mostly one that lives all the time; at times a new one, for the rest of the block.
  VReg result(std::vector<VReg> &list);
  void start();
  void finish();
  void block(int length, int depth);
  void loop(int length, int depth);
  void branch(int length, int depth);
  void operation();
  void general_operation();
  void vector_operation();
  void vector_move();
  void mask_operation();
  void store();

  RandomCode code_;
  std::mt19937 random_;
  Function function_;
  VReg in_{}, out_{};
  std::vector<VReg> general_, vectors_, masks_;
};

/// In place of an operation on floats.
Op whole_of(Op op) {
  switch (op) {
  case Op::kFAdd: return Op::kIAdd;
  case Op::kFSub: return Op::kISub;
  case Op::kFMul: return Op::kIMul;
  case Op::kFMulAdd:
  case Op::kFNegMulAdd: return Op::kIXor;
  default: return op;
  }
}

Inst &Generator::add(Op op, int bytes, VReg dst, std::initializer_list<VReg> sources) {
  Inst inst;
  inst.op = code_.has_floats ? op : whole_of(op);
  inst.bytes = static_cast<uint8_t>(bytes);
  inst.dst = dst;
  std::copy(sources.begin(), sources.end(), inst.src.begin());
  if (inst.op != op && sources.size() > 2) inst.src[2] = kNoId<VReg>;
  function_.code.push_back(inst);
  return function_.code.back();
}

Address Generator::at(VReg base, int displacement) {
  Address address;
  address.kind = Address::Kind::kRegisters;
  address.base = base;
  address.displacement = displacement;
  return address;
}

Address Generator::pool(int bytes) {
  Address address;
  address.kind = Address::Kind::kPool;
  address.displacement = 4 * below(static_cast<int>(kPoolWords) - bytes / 4 + 1);
  return address;
}

/// Also where stores go; at times with an index.
Address Generator::readable(int bytes) {
  if (one_in(4)) return pool(bytes);
  if (one_in(3)) return at(out_, 32 * below(64));
  Address address = at(in_, 4 * below(64));
  if (!one_in(3)) return address;
  const VReg index = fresh(RegClass::kGeneral);
  Inst &inst = add(Op::kGAnd, 8, index, {pick(general_)});
  inst.immediate = 63;
  inst.has_immediate = true;
  address.index = index;
  address.scale = pick<uint8_t>({1, 2, 4, 8});
  return address;
}

VReg Generator::result(std::vector<VReg> &list) {
  if (!one_in(4)) return pick(list);
  return fresh(function_.registers[list.front()]);
}

void Generator::start() {
  std::array<VReg, 4> arguments;
  for (VReg &argument : arguments) argument = fresh(RegClass::kGeneral);
  for (size_t i = 0; i < 4; ++i) add(Op::kArg, 8, arguments[i]).immediate = static_cast<int64_t>(i);
  in_ = arguments[0];
  out_ = arguments[1];
  general_ = {arguments[2], arguments[3]};
  for (int i = 0; i < code_.general; ++i) {
    general_.push_back(fresh(RegClass::kGeneral));
    constant(general_.back(), one_in(3) ? static_cast<int64_t>(random_()) << 16 : below(1000));
  }
  for (int i = 0; i < code_.vectors; ++i) {
    vectors_.push_back(fresh(RegClass::kVector));
    const Op op = pick({Op::kVLoad, Op::kVBroadcast, Op::kVZero, Op::kVOnes, Op::kVSplatG});
    const bool has_memory = op == Op::kVLoad || op == Op::kVBroadcast;
    const Address from = has_memory ? readable(64) : Address();
    Inst &inst = add(op, code_.isa.vector_bytes(), vectors_.back());
    inst.memory = from;
    if (op == Op::kVSplatG) inst.src[0] = pick(general_);
  }
  for (int i = 0; i < code_.masks; ++i) {
    masks_.push_back(fresh(RegClass::kMask));
    add(Op::kKFromG, 0, masks_.back(), {pick(general_)});
  }
}

void Generator::general_operation() {
  const int bytes = pick({4, 8});
  const VReg a = pick(general_), b = pick(general_);
  switch (below(9)) {
  case 0: constant(result(general_), below(100)); break;
  case 1: add(Op::kGMove, bytes, result(general_), {a}); break;
  case 2: {
    const Op op = pick({Op::kGShiftLeft, Op::kGShiftRight, Op::kGShiftSigned});
    add(op, bytes, result(general_), {a}).immediate = below(31);
    break;
  }
  case 3: add(pick({Op::kGMin, Op::kGMax}), bytes, result(general_), {a, b}); break;
  case 4: add(Op::kGSelect, bytes, result(general_), {a, b, pick(general_)}); break;
  case 5: {
    const Address from = at(in_, 8 * below(32));
    add(Op::kGLoad, pick({1, 2, 4, 8}), result(general_)).memory = from;
    break;
  }
  case 6: add(Op::kGSet, bytes, result(general_), {a, b}).condition = static_cast<Condition>(below(8)); break;
  case 7: add(Op::kVToG, 4, result(general_), {pick(vectors_)}); break;
  default: {
    const bool is_immediate = one_in(3);
    const Op op = pick({Op::kGAdd, Op::kGSub, Op::kGMul, Op::kGAnd, Op::kGOr, Op::kGXor});
    Inst &inst = add(op, bytes, result(general_), {a, is_immediate ? kNoId<VReg> : b});
    inst.has_immediate = is_immediate;
    inst.immediate = is_immediate ? below(100) : 0;
  }
  }
}

void Generator::vector_move() {
  const int bytes = code_.isa.vector_bytes();
  const bool is_masked = !masks_.empty() && one_in(2);
  const Address from = readable(bytes);
  switch (below(4)) {
  case 0: add(Op::kVBroadcast, bytes, result(vectors_)).memory = from; return;
  case 1: add(Op::kVSplatG, bytes, result(vectors_), {pick(general_)}); return;
  default: break;
  }
  // A merging result is read.
  const bool is_load = one_in(2);
  Inst &inst = add(is_load ? Op::kVLoad : Op::kVMove, bytes, is_masked ? pick(vectors_) : result(vectors_));
  if (is_load) inst.memory = from;
  if (!is_load) inst.src[0] = pick(vectors_);
  if (!is_masked) return;
  inst.mask = pick(masks_);
  inst.zeroing = one_in(2);
}

void Generator::vector_operation() {
  const int bytes = code_.isa.vector_bytes();
  const VReg a = pick(vectors_), b = pick(vectors_), c = pick(vectors_);
  switch (below(6)) {
  case 0:
  case 1: add(pick({Op::kFMulAdd, Op::kFNegMulAdd}), bytes, result(vectors_), {a, b, c}); break;
  case 2: {
    // Memory that one instruction uses: what load folding looks for.
    const VReg loaded = fresh(RegClass::kVector);
    const Address from = readable(bytes);
    add(pick({Op::kVLoad, Op::kVBroadcast}), bytes, loaded).memory = from;
    if (one_in(3)) store();
    if (one_in(2))
      add(Op::kFMulAdd, bytes, result(vectors_), {loaded, b, c});
    else
      add(pick({Op::kFAdd, Op::kISub, Op::kIAnd}), bytes, result(vectors_), {a, loaded});
    break;
  }
  default: {
    const Op op = pick({Op::kFAdd, Op::kFSub, Op::kFMul, Op::kFMin, Op::kFMax, Op::kIAdd, Op::kISub, Op::kIMul,
                        Op::kIMin, Op::kIMax, Op::kIAnd, Op::kIAndNot, Op::kIOr, Op::kIXor});
    add(op, bytes, result(vectors_), {a, b});
  }
  }
}

void Generator::mask_operation() {
  const VReg a = pick(masks_), b = pick(masks_);
  switch (below(6)) {
  case 0: add(Op::kKFromG, 0, result(masks_), {pick(general_)}); break;
  case 1: add(Op::kKToG, 0, result(general_), {a}); break;
  case 2: {
    const Address from = readable(64);
    Inst &inst = add(Op::kICompareK, 64, result(masks_), {pick(vectors_)});
    inst.memory = from;
    inst.immediate = 6;
    break;
  }
  case 3: add(Op::kBlendK, 64, result(vectors_), {a, pick(vectors_), pick(vectors_)}); break;
  case 4: add(pick({Op::kKMove, Op::kKNot}), 0, result(masks_), {a}); break;
  default: add(pick({Op::kKAnd, Op::kKOr, Op::kKXor}), 0, result(masks_), {a, b});
  }
}

void Generator::store() {
  const Address to = at(out_, 64 * below(32));
  if (one_in(3)) {
    add(Op::kGStore, pick({1, 2, 4, 8}), kNoId<VReg>, {pick(general_)}).memory = to;
    return;
  }
  Inst &inst = add(Op::kVStore, code_.isa.vector_bytes(), kNoId<VReg>, {pick(vectors_)});
  inst.memory = to;
  if (!masks_.empty() && one_in(2)) inst.mask = pick(masks_);
}

void Generator::operation() {
  switch (below(8)) {
  case 0:
  case 1: return general_operation();
  case 2: return vector_move();
  case 3: return one_in(3) ? store() : vector_move();
  case 4:
    if (!masks_.empty()) return mask_operation();
    return vector_operation();
  default: return vector_operation();
  }
}

void Generator::loop(int length, int depth) {
  // The sum of the round before is read first, and is dead behind the loop's end but for one use.
  const VReg counter = fresh(RegClass::kGeneral), sum = fresh(RegClass::kGeneral);
  constant(counter, 0);
  constant(sum, below(1000));
  const Label head = function_.add_label();
  place(head);
  add(Op::kGXor, 8, pick(general_), {pick(general_), sum});
  block(length, depth + 1);
  add(Op::kGAdd, 8, sum, {pick(general_), pick(general_)});
  Inst &step = add(Op::kGAdd, 8, counter, {counter});
  step.has_immediate = true;
  step.immediate = 1;
  Inst &jump = add(Op::kJumpIf, 8, kNoId<VReg>, {counter});
  jump.condition = Condition::kLt;
  jump.has_immediate = true;
  jump.immediate = 1 + below(3);
  jump.label = head;
}

void Generator::branch(int length, int depth) {
  const Label otherwise = function_.add_label(), end = function_.add_label();
  Inst &jump = add(Op::kJumpIf, pick({4, 8}), kNoId<VReg>, {pick(general_), pick(general_)});
  jump.condition = static_cast<Condition>(below(8));
  jump.label = otherwise;
  block(length, depth + 1);
  add(Op::kJump, 0, kNoId<VReg>).label = end;
  place(otherwise);
  block(length, depth + 1);
  place(end);
}

void Generator::block(int length, int depth) {
  const auto general = general_.size(), vectors = vectors_.size(), masks = masks_.size();
  for (int i = 0; i < length; ++i) {
    if (depth < kMaxDepth && one_in(12)) {
      one_in(2) ? loop(length / 2, depth) : branch(length / 3, depth);
    } else {
      operation();
    }
    // New results may be read until the block ends.
    const VReg dst = function_.code.back().dst;
    if (!is_valid(dst) || index_of(dst) + 1 != function_.registers.size()) continue;
    std::array lists = {&general_, &vectors_, &masks_};
    lists[static_cast<size_t>(function_.registers[dst])]->push_back(dst);
  }
  general_.resize(general);
  vectors_.resize(vectors);
  masks_.resize(masks);
}

void Generator::finish() {
  int place = 4096;
  for (const VReg reg : general_) add(Op::kGStore, 8, kNoId<VReg>, {reg}).memory = at(out_, place += 64);
  for (const VReg reg : vectors_) {
    add(Op::kVStore, code_.isa.vector_bytes(), kNoId<VReg>, {reg}).memory = at(out_, place += 64);
  }
  for (const VReg reg : masks_) add(Op::kKStore, 0, kNoId<VReg>, {reg}).memory = at(out_, place += 64);
  add(Op::kReturn, 0, kNoId<VReg>);
}

Function Generator::run() {
  start();
  block(code_.length, 0);
  finish();
  return std::move(function_);
}

} // namespace

Function random_code(const RandomCode &code) { return Generator(code).run(); }

} // namespace sparkle::x86
