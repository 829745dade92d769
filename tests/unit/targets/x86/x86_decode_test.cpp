// All that is emitted is decoded by another library: every byte belongs to an instruction of the family.
#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include <Zydis/Zydis.h>
#include <gtest/gtest.h>

#include "targets/x86/emit.h"
#include "targets/x86/text.h"
#include "tests/unit/targets/x86/operation_cases.h"
#include "tests/unit/targets/x86/placed_code.h"

namespace sparkle::x86 {
namespace {

constexpr int kMostFailures = 20;

bool starts_with(std::string_view text, std::string_view head) { return text.substr(0, head.size()) == head; }

/// Of the general registers, and the few of SSE that have no other encoding.
bool is_legacy_allowed(const ZydisDecodedInstruction &inst) {
  const std::string_view set = ZydisISASetGetString(inst.meta.isa_set);
  constexpr std::string_view kSets[] = {"I86",  "I186", "I386",    "I486REAL", "LONGMODE",
                                        "CMOV", "CET",  "FAT_NOP", "PPRO",     "SSE_PREFETCH"};
  if (inst.mnemonic == ZYDIS_MNEMONIC_SFENCE || inst.mnemonic == ZYDIS_MNEMONIC_NOP) return true;
  return std::find(std::begin(kSets), std::end(kSets), set) != std::end(kSets);
}

bool is_allowed(const ZydisDecodedInstruction &inst, const Isa &isa) {
  const std::string_view set = ZydisISASetGetString(inst.meta.isa_set);
  if (inst.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY) return is_legacy_allowed(inst);
  if (inst.encoding != ZYDIS_INSTRUCTION_ENCODING_VEX && inst.encoding != ZYDIS_INSTRUCTION_ENCODING_EVEX) return false;
  for (const std::string_view name : {"AVX", "AVX2", "FMA", "F16C", "BMI1", "BMI2"}) {
    if (set == name) return inst.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
  }
  if (!isa.has_masks()) return false;
  // VL is the width of 128 or 256 bits of these.
  for (const std::string_view name : {"AVX512F_", "AVX512BW_", "AVX512CD_", "AVX512DQ_"}) {
    if (starts_with(set, name)) return true;
  }
  return isa.vnni && starts_with(set, "AVX512_VNNI_");
}

class Decoder {
public:
  explicit Decoder(Isa isa) : isa_(isa) {
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  }

  /// Nothing, or what is wrong.
  std::string check(const MachineCode &code) {
    size_t at = 0;
    bool is_return = false;
    for (ZydisDecodedInstruction inst; at < code.code_bytes; at += inst.length) {
      const ZyanStatus status =
          ZydisDecoderDecodeInstruction(&decoder_, nullptr, code.bytes.data() + at, code.code_bytes - at, &inst);
      if (!ZYAN_SUCCESS(status)) return "no instruction at byte " + std::to_string(at);
      if (!is_allowed(inst, isa_))
        return std::string(ZydisMnemonicGetString(inst.mnemonic)) + " of " + ZydisISASetGetString(inst.meta.isa_set);
      is_return = inst.mnemonic == ZYDIS_MNEMONIC_RET;
      mnemonics_.insert(inst.mnemonic);
    }
    if (!is_return) return "the last instruction is no return";
    return at == code.code_bytes ? padding(code) : "an instruction leaves the code";
  }
  const std::set<ZydisMnemonic> &mnemonics() const { return mnemonics_; }

private:
  static std::string padding(const MachineCode &code) {
    if (code.bytes.size() == code.code_bytes) return {};
    const size_t pool = (code.code_bytes + 63) / 64 * 64;
    for (size_t i = code.code_bytes; i < pool; ++i) {
      if (code.bytes[i] != 0xCC) return "the way to the pool is no trap";
    }
    return {};
  }

  Isa isa_;
  ZydisDecoder decoder_;
  std::set<ZydisMnemonic> mnemonics_;
};

std::set<ZydisMnemonic> decode_all(Isa isa) {
  Decoder decoder(isa);
  int failures = 0;
  for_each_case(isa, [&](const OperationCase &c) {
    if (failures >= kMostFailures) return;
    const Result<MachineCode> code = emit(c.function, c.allocation);
    const std::string wrong = code ? decoder.check(*code) : code.error().text;
    if (wrong.empty()) return;
    ++failures;
    ADD_FAILURE() << to_text(c.inst(), c.function) << ": " << wrong;
  });
  return decoder.mnemonics();
}

TEST(X86Decode, Avx2FunctionsHoldTheirFamilyAlone) {
  const std::set<ZydisMnemonic> seen = decode_all({Family::kAvx2, false});
  EXPECT_TRUE(seen.count(ZYDIS_MNEMONIC_VFMADD132PS) && seen.count(ZYDIS_MNEMONIC_VFMADD213PS) &&
              seen.count(ZYDIS_MNEMONIC_VFMADD231PS) && seen.count(ZYDIS_MNEMONIC_VFNMADD213SS));
  EXPECT_TRUE(seen.count(ZYDIS_MNEMONIC_VMASKMOVPS) && seen.count(ZYDIS_MNEMONIC_VBLENDVPS));
}

TEST(X86Decode, Avx512FunctionsHoldTheirFamilyAlone) {
  const std::set<ZydisMnemonic> seen = decode_all({Family::kAvx512, false});
  EXPECT_TRUE(seen.count(ZYDIS_MNEMONIC_VPERMT2PS) && seen.count(ZYDIS_MNEMONIC_VGATHERDPS));
  EXPECT_EQ(seen.count(ZYDIS_MNEMONIC_VPDPBUSD), 0u);
}

TEST(X86Decode, VnniIsUsedWhereItIsThere) {
  const Function function = flat_code("function @f avx512 vnni\n v0 = vzero.64\n v0 = dot_u8s8.64 v0, v0, v0\n ret\n");
  const Result<MachineCode> code = emit(function, place_registers(function));
  ASSERT_TRUE(code) << code.error().text;
  Decoder decoder(function.isa);
  EXPECT_EQ(decoder.check(*code), "");
  EXPECT_EQ(decoder.mnemonics().count(ZYDIS_MNEMONIC_VPDPBUSD), 1u);
  EXPECT_NE(Decoder({Family::kAvx512, false}).check(*code), "");
}

} // namespace
} // namespace sparkle::x86
