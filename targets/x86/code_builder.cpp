#include "targets/x86/code_builder.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "compiler/support/check.h"

namespace sparkle::x86 {
namespace {

constexpr size_t kUsualItems = 256; // Saves a kernel's larger regions most of their growing.
constexpr int kLeastSplatBytes = 16;

bool fits_32_bits(int64_t value) {
  return value >= std::numeric_limits<int32_t>::min() && value <= std::numeric_limits<int32_t>::max();
}

void append(std::vector<Inst> &code, Region &region);

void append_label(std::vector<Inst> &code, Label label) {
  Inst inst;
  inst.op = Op::kLabel;
  inst.label = label;
  code.push_back(inst);
}

void append(std::vector<Inst> &code, Region::Loop &loop) {
  append(code, loop.enter);
  append(code, loop.before);
  append_label(code, loop.head);
  append(code, loop.body);
  append(code, loop.latch);
  append_label(code, loop.exit);
}

void append(std::vector<Inst> &code, Region &region) {
  for (Region::Item &item : region.items) {
    if (item.loop) {
      append(code, *item.loop);
    } else {
      code.push_back(item.inst);
    }
  }
}

} // namespace

CodeBuilder::CodeBuilder(Isa isa) {
  function_.isa = isa;
  body_.items.reserve(kUsualItems);
}

void CodeBuilder::add(Inst inst) {
  if (inst.line == 0) inst.line = line_;
  region_->items.push_back({inst, nullptr});
  ++count_;
}

Region::Loop &CodeBuilder::add_loop() {
  Region::Loop &loop = loops_.emplace_back();
  loop.head = function_.add_label();
  loop.exit = function_.add_label();
  region_->items.push_back({Inst{}, &loop});
  return loop;
}

VReg CodeBuilder::result(RegClass reg_class, VReg into) {
  return is_valid(into) ? into : function_.add_register(reg_class);
}

VReg CodeBuilder::argument(int number) {
  Into into(*this, arguments_);
  return general(Op::kArg, 8, kNoId<VReg>, static_cast<int64_t>(number));
}

VReg CodeBuilder::general(Op op, int bytes, VReg a, VReg b, VReg into) {
  Inst inst;
  inst.op = op;
  inst.bytes = static_cast<uint8_t>(bytes);
  inst.src = {a, b, kNoId<VReg>};
  inst.dst = result(RegClass::kGeneral, into);
  add(inst);
  return inst.dst;
}

VReg CodeBuilder::general(Op op, int bytes, VReg a, int64_t immediate, VReg into) {
  const bool is_operand = info_of(op).immediate == OpInfo::Immediate::kLast;
  if (is_operand && !fits_32_bits(immediate)) return general(op, bytes, a, constant(immediate), into);
  Inst inst;
  inst.op = op;
  inst.bytes = static_cast<uint8_t>(bytes);
  inst.has_immediate = is_operand;
  inst.immediate = immediate;
  inst.src[0] = a;
  inst.dst = result(RegClass::kGeneral, into);
  add(inst);
  return inst.dst;
}

VReg CodeBuilder::constant(int64_t value, VReg into) { return general(Op::kGConst, 8, kNoId<VReg>, value, into); }

VReg CodeBuilder::general_load(Op op, int bytes, const Address &memory, VReg into) {
  Inst inst;
  inst.op = op;
  inst.bytes = static_cast<uint8_t>(bytes);
  inst.memory = memory;
  inst.dst = result(RegClass::kGeneral, into);
  add(inst);
  return inst.dst;
}

VReg CodeBuilder::vector(Op op, int bytes, VReg a, VReg b, VReg c, VReg into) {
  Inst inst;
  inst.op = op;
  inst.bytes = static_cast<uint8_t>(bytes);
  inst.src = {a, b, c};
  inst.dst = result(class_of(op), into);
  add(inst);
  return inst.dst;
}

VReg CodeBuilder::vector_immediate(Op op, int bytes, int64_t immediate, VReg a, VReg b, VReg into) {
  Inst inst;
  inst.op = op;
  inst.bytes = static_cast<uint8_t>(bytes);
  inst.immediate = immediate;
  inst.src = {a, b, kNoId<VReg>};
  inst.dst = result(class_of(op), into);
  add(inst);
  return inst.dst;
}

VReg CodeBuilder::vector_load(Op op, int bytes, const Address &memory, VReg mask, VReg into) {
  Inst inst;
  inst.op = op;
  inst.bytes = static_cast<uint8_t>(bytes);
  inst.memory = memory;
  inst.mask = mask;
  inst.zeroing = is_valid(mask) && !is_valid(into);
  inst.dst = result(RegClass::kVector, into);
  add(inst);
  return inst.dst;
}

void CodeBuilder::vector_store(Op op, int bytes, const Address &memory, VReg value, VReg mask) {
  Inst inst;
  inst.op = op;
  inst.bytes = static_cast<uint8_t>(bytes);
  inst.memory = memory;
  inst.mask = mask;
  inst.src[0] = value;
  add(inst);
}

void CodeBuilder::jump(Label to) {
  Inst inst;
  inst.op = Op::kJump;
  inst.label = to;
  add(inst);
}

void CodeBuilder::jump_if(Condition condition, int bytes, VReg a, VReg b, Label to) {
  Inst inst;
  inst.op = Op::kJumpIf;
  inst.bytes = static_cast<uint8_t>(bytes);
  inst.condition = condition;
  inst.src = {a, b, kNoId<VReg>};
  inst.label = to;
  add(inst);
}

void CodeBuilder::jump_if(Condition condition, int bytes, VReg a, int64_t immediate, Label to) {
  if (!fits_32_bits(immediate)) return jump_if(condition, bytes, a, constant(immediate), to);
  Inst inst;
  inst.op = Op::kJumpIf;
  inst.bytes = static_cast<uint8_t>(bytes);
  inst.condition = condition;
  inst.has_immediate = true;
  inst.immediate = immediate;
  inst.src[0] = a;
  inst.label = to;
  add(inst);
}

void CodeBuilder::place(Label label) {
  Inst inst;
  inst.op = Op::kLabel;
  inst.label = label;
  add(inst);
}

Address CodeBuilder::pool(std::span<const uint8_t> bytes) {
  const size_t size = bytes.size();
  SPARKLE_CHECK(size == 4 || size == 16 || size == 32 || size == 64, "constants of 4, 16, 32 or 64 bytes");
  std::vector<uint8_t> &pool = function_.pool;
  Address address;
  address.kind = Address::Kind::kPool;
  for (size_t at = 0; at + size <= pool.size(); at += size) {
    if (std::memcmp(pool.data() + at, bytes.data(), size) != 0) continue;
    address.displacement = static_cast<int32_t>(at);
    return address;
  }
  pool.resize((pool.size() + size - 1) / size * size);
  address.displacement = static_cast<int32_t>(pool.size());
  pool.insert(pool.end(), bytes.begin(), bytes.end());
  return address;
}

VReg CodeBuilder::splat_constant(uint32_t bits, int bytes) {
  const int wide = std::max(bytes, kLeastSplatBytes);
  const auto [known, is_new] = splats_.try_emplace({bits, wide}, kNoId<VReg>);
  if (!is_new) return known->second;
  Into into(*this, entry_);
  const uint32_t line = std::exchange(line_, 0);
  if (bits == 0 || bits == UINT32_MAX) {
    known->second = vector(bits == 0 ? Op::kVZero : Op::kVOnes, wide, kNoId<VReg>);
  } else {
    std::array<uint8_t, 4> image;
    std::memcpy(image.data(), &bits, sizeof bits);
    known->second = vector_load(Op::kVBroadcast, wide, pool(image));
  }
  line_ = line;
  return known->second;
}

VReg CodeBuilder::vector_constant(const std::vector<uint32_t> &lanes, int bytes) {
  SPARKLE_CHECK(!lanes.empty() && lanes.size() * 4 <= static_cast<size_t>(bytes), "more lanes than the register has");
  if (std::ranges::all_of(lanes, [&](uint32_t lane) { return lane == lanes[0]; }))
    return splat_constant(lanes[0], bytes);
  const auto [known, is_new] = vectors_.try_emplace({lanes, bytes}, kNoId<VReg>);
  if (!is_new) return known->second;
  std::vector<uint8_t> image(static_cast<size_t>(std::max(bytes, kLeastSplatBytes)));
  std::memcpy(image.data(), lanes.data(), lanes.size() * 4);
  Into into(*this, entry_);
  const uint32_t line = std::exchange(line_, 0);
  known->second = vector_load(Op::kVLoad, static_cast<int>(image.size()), pool(image));
  line_ = line;
  return known->second;
}

RegClass CodeBuilder::class_of(Op op) {
  switch (info_of(op).dst) {
  case Operand::kG: return RegClass::kGeneral;
  case Operand::kK: return RegClass::kMask;
  default: return RegClass::kVector;
  }
}

Function CodeBuilder::finish() {
  function_.code.reserve(count_ + 2 * function_.labels);
  append(function_.code, arguments_);
  append(function_.code, entry_);
  append(function_.code, body_);
  arguments_.items.clear();
  entry_.items.clear();
  body_.items.clear();
  loops_.clear();
  splats_.clear();
  vectors_.clear();
  count_ = 0;
  return std::move(function_);
}

} // namespace sparkle::x86
