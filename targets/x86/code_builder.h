// Where selected instructions go: regions of code, loops with a place in front of them for what does not change.
#pragma once

#include <deque>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "targets/x86/vreg.h"

namespace sparkle::x86 {

/// Instructions and loops in order.
struct Region {
  struct Loop;
  struct Item {
    Inst inst;
    Loop *loop = nullptr; ///< In place of `inst`; the builder's.
  };
  std::vector<Item> items;
};
/// enter (jumps to `exit` when there is no round); before; head: body; latch (jumps to head); exit.
struct Region::Loop {
  Region enter;
  Region before; ///< Runs when there is a first round: what is hoisted, first values of pointers.
  Region body;
  Region latch;
  Label head, exit;
};

/// Appends to one region at a time, and has a word for each common form of instruction. Results are new registers
/// unless `into` is given.
class CodeBuilder {
public:
  explicit CodeBuilder(Isa isa);

  const Isa &isa() const { return function_.isa; }
  Function &function() { return function_; }
  Region *region() { return region_; }
  /// For the life of the scope, instructions go to the end of `region`.
  class Into {
  public:
    Into(CodeBuilder &builder, Region &region) : builder_(builder), saved_(builder.region_) {
      builder.region_ = &region;
    }
    ~Into() { builder_.region_ = saved_; }
    Into(const Into &) = delete;
    Into &operator=(const Into &) = delete;

  private:
    CodeBuilder &builder_;
    Region *saved_;
  };

  void set_line(uint32_t line) { line_ = line; }
  void add(Inst inst);
  Region::Loop &add_loop();
  /// Instructions added so far.
  size_t count() const { return count_; }

  /// Argument `number` of the function; ask for them in order.
  VReg argument(int number);
  VReg general(Op op, int bytes, VReg a, VReg b, VReg into = kNoId<VReg>);
  VReg general(Op op, int bytes, VReg a, int64_t immediate, VReg into = kNoId<VReg>);
  VReg constant(int64_t value, VReg into = kNoId<VReg>);
  /// Loads, and Op::kGAddress.
  VReg general_load(Op op, int bytes, const Address &memory, VReg into = kNoId<VReg>);
  VReg vector(Op op, int bytes, VReg a, VReg b = kNoId<VReg>, VReg c = kNoId<VReg>, VReg into = kNoId<VReg>);
  VReg vector_immediate(Op op, int bytes, int64_t immediate, VReg a, VReg b = kNoId<VReg>, VReg into = kNoId<VReg>);
  /// With a mask: lanes outside become 0, or keep what `into` held where that is given.
  VReg vector_load(Op op, int bytes, const Address &memory, VReg mask = kNoId<VReg>, VReg into = kNoId<VReg>);
  void vector_store(Op op, int bytes, const Address &memory, VReg value, VReg mask = kNoId<VReg>);
  void jump(Label to);
  void jump_if(Condition condition, int bytes, VReg a, VReg b, Label to);
  void jump_if(Condition condition, int bytes, VReg a, int64_t immediate, Label to);
  void place(Label label);

  /// Bytes in the pool, 4, 16, 32 or 64 of them, aligned to their number; equal ones are there once.
  Address pool(std::span<const uint8_t> bytes);
  /// All lanes hold these 4 bytes: in a register for the whole function, written at its start, once for each number
  /// and width. Allocation loads it again where registers are short.
  VReg splat_constant(uint32_t bits, int bytes);
  VReg vector_constant(const std::vector<uint32_t> &lanes, int bytes);

  /// Everything in order; the builder is empty then.
  Function finish();

private:
  VReg result(RegClass reg_class, VReg into);
  static RegClass class_of(Op op);

  Function function_;
  std::deque<Region::Loop> loops_;
  Region arguments_;
  Region entry_; ///< Constants.
  Region body_;
  Region *region_ = &body_;
  uint32_t line_ = 0;
  size_t count_ = 0;
  std::map<std::pair<uint32_t, int>, VReg> splats_; ///< By bits and bytes.
  std::map<std::pair<std::vector<uint32_t>, int>, VReg> vectors_;
};

} // namespace sparkle::x86
