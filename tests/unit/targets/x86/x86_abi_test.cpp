// Emitted functions keep what the System V AMD64 ABI wants kept, on a small stack, and need nothing that it does not
// promise. They are called through a trampoline that fills every register before and looks at every register after.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include <pthread.h>
#include <sys/mman.h>
#include <xbyak/xbyak.h>

#include "tests/unit/targets/x86/placed_code.h"
#include "tests/unit/targets/x86/run_code.h"

namespace sparkle::x86 {
namespace {

constexpr size_t kStackBytes = 64 * 1024, kGuardBytes = 64 * 1024;
constexpr uint32_t kOddMxcsr = 0x1F80 | 0x2000; // rounds down
constexpr uint32_t kMxcsrFlags = 0x3F;          // what operations leave behind
constexpr uint64_t kDirectionFlag = 1u << 10;
/// rbx, rbp, r12 to r15.
constexpr int kKept[] = {3, 5, 12, 13, 14, 15};

struct Crossing {
  const void *callee;
  uint64_t arguments[4];
  uint64_t host_stack;
  uint32_t host_mxcsr, mxcsr;
  uint64_t stack_before, stack_after;
  uint64_t flags;
  uint64_t kept[6];
  alignas(64) uint8_t vectors[16][32]; ///< After.
  alignas(64) uint8_t poison[64];
};

uint64_t sentinel(int reg) { return 0xC0DE000000000000u + static_cast<uint64_t>(reg); }

/// void(Crossing *): r11 carries the crossing to the call, the stack behind it.
class Trampoline : public Xbyak::CodeGenerator {
public:
  explicit Trampoline(bool has_masks) : Xbyak::CodeGenerator(Xbyak::DEFAULT_MAX_CODE_SIZE, Xbyak::DontSetProtectRWE) {
    for (const int reg : kKept) push(Xbyak::Reg64(reg));
    push(rdi);
    push(rdi); // keeps the stack at 16 bytes
    stmxcsr(dword[rdi + offsetof(Crossing, host_mxcsr)]);
    ldmxcsr(dword[rdi + offsetof(Crossing, mxcsr)]);
    poison(has_masks);
    mov(r11, rdi);
    for (const int reg : kKept) mov(Xbyak::Reg64(reg), sentinel(reg));
    for (const auto &reg : {rax, r8, r9, r10}) mov(reg, sentinel(reg.getIdx()));
    mov(qword[r11 + offsetof(Crossing, stack_before)], rsp);
    mov(rdi, qword[r11 + offsetof(Crossing, arguments)]);
    mov(rsi, qword[r11 + offsetof(Crossing, arguments) + 8]);
    mov(rdx, qword[r11 + offsetof(Crossing, arguments) + 16]);
    mov(rcx, qword[r11 + offsetof(Crossing, arguments) + 24]);
    call(qword[r11 + offsetof(Crossing, callee)]);
    look();
    add(rsp, 16);
    for (int i = 5; i >= 0; --i) pop(Xbyak::Reg64(kKept[i]));
    ret();
  }

private:
  void poison(bool has_masks) {
    for (int i = 0; i < (has_masks ? 32 : 16); ++i) {
      if (has_masks)
        vmovups(Xbyak::Zmm(i), ptr[rdi + offsetof(Crossing, poison)]);
      else
        vmovups(Xbyak::Ymm(i), ptr[rdi + offsetof(Crossing, poison)]);
    }
    for (int i = 0; has_masks && i < 8; ++i) kmovq(Xbyak::Opmask(i), ptr[rdi + offsetof(Crossing, poison)]);
  }
  void look() {
    mov(r11, qword[rsp]); // where the crossing waits, if the callee gave the stack back
    mov(qword[r11 + offsetof(Crossing, stack_after)], rsp);
    pushfq();
    pop(rax);
    mov(qword[r11 + offsetof(Crossing, flags)], rax);
    for (int i = 0; i < 6; ++i)
      mov(qword[r11 + static_cast<int>(offsetof(Crossing, kept)) + i * 8], Xbyak::Reg64(kKept[i]));
    for (int i = 0; i < 16; ++i)
      vmovups(ptr[r11 + static_cast<int>(offsetof(Crossing, vectors)) + i * 32], Xbyak::Ymm(i));
    stmxcsr(dword[r11 + offsetof(Crossing, mxcsr)]);
    ldmxcsr(dword[r11 + offsetof(Crossing, host_mxcsr)]);
    vzeroupper();
  }
};

struct Journey {
  const MappedCode *trampoline;
  Crossing *crossing;
};

void *travel(void *journey) {
  const auto &[trampoline, crossing] = *static_cast<Journey *>(journey);
  reinterpret_cast<void (*)(Crossing *)>(reinterpret_cast<uintptr_t>(trampoline->address))(crossing);
  return nullptr;
}

/// On a thread whose whole stack is 64 KiB, with nothing mapped below.
void cross(bool has_masks, Crossing &crossing) {
  const Trampoline trampoline(has_masks);
  Result<MappedCode> code = map_code({trampoline.getCode(), trampoline.getSize()});
  ASSERT_TRUE(code);
  void *area = mmap(nullptr, kStackBytes + kGuardBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(area, MAP_FAILED);
  void *stack = static_cast<uint8_t *>(area) + kGuardBytes;
  ASSERT_EQ(mprotect(stack, kStackBytes, PROT_READ | PROT_WRITE), 0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstack(&attributes, stack, kStackBytes), 0);
  Journey journey{&*code, &crossing};
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &attributes, travel, &journey), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  munmap(area, kStackBytes + kGuardBytes);
}

Crossing make_crossing(const Runnable &code, std::array<uint64_t, 4> arguments) {
  Crossing crossing = {};
  crossing.callee = code.code.address;
  std::copy(arguments.begin(), arguments.end(), crossing.arguments);
  crossing.mxcsr = kOddMxcsr;
  std::fill(std::begin(crossing.poison), std::end(crossing.poison), 0xA5);
  return crossing;
}

void expect_kept(const Crossing &crossing, bool has_clean_upper_halves) {
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(crossing.kept[i], sentinel(kKept[i])) << "register " << kKept[i];
  EXPECT_EQ(crossing.stack_before, crossing.stack_after);
  EXPECT_EQ(crossing.mxcsr & ~kMxcsrFlags, kOddMxcsr & ~kMxcsrFlags);
  EXPECT_EQ(crossing.flags & kDirectionFlag, 0u);
  for (int i = 0; has_clean_upper_halves && i < 16; ++i) {
    for (int byte = 16; byte < 32; ++byte) EXPECT_EQ(crossing.vectors[i][byte], 0) << "vector " << i;
  }
}

/// Every general register, the largest frame, wide vectors, a loop and constants. Sums g4 to g13 and adds 1 to a vector
/// that goes through both ends of the frame, once a task.
std::string busy_function(const std::string &family, int bytes) {
  const std::string wide = "." + std::to_string(bytes);
  std::string text = "function @busy " + family + " frame 512\n pool 0000803f\n";
  for (int i = 0; i < 4; ++i) text += " g" + std::to_string(i) + " = arg " + std::to_string(i) + "\n";
  for (int i = 4; i < 14; ++i) text += " g" + std::to_string(i) + " = gconst " + std::to_string(1 << i) + "\n";
  text += " v14 = vbroadcast" + wide + " [pool]\n vstore" + wide + " v14, [frame 511]\n vstore" + wide +
          " v14, [frame 0]\nL0:\n v15 = vload" + wide + " [frame 511]\n v14 = fadd" + wide + " v14, v15\n" +
          " g1 = gadd.8 g1, 1\n jump_if.lt.8 g1, g2, L0\n v15 = vload" + wide + " [frame 0]\n v14 = fadd" + wide +
          " v14, v15\n vstore" + wide + " v14, [g0]\n";
  for (int i = 4; i < 14; ++i) text += " g3 = gadd.8 g3, g" + std::to_string(i) + "\n";
  return text + " gstore.8 g3, [g0 + 64]\n ret\n";
}

void check_busy(Family family, int bytes) {
  if (!has_family(family)) GTEST_SKIP();
  const Function function = flat_code(busy_function(std::string(name_of(family)), bytes));
  const Runnable code = make_runnable(function, place_registers(function));
  ASSERT_TRUE(code.entry);
  alignas(64) float out[16] = {};
  alignas(64) uint8_t result[72] = {};
  Crossing crossing = make_crossing(code, {reinterpret_cast<uint64_t>(result), 2, 7, 1000});
  cross(family == Family::kAvx512, crossing);
  expect_kept(crossing, bytes > 16);
  std::memcpy(out, result, 64);
  for (int i = 0; i < bytes / 4; ++i) EXPECT_EQ(out[i], 7.0f) << i; // 1, once a task, and once more
  uint64_t sum = 0;
  std::memcpy(&sum, result + 64, 8);
  EXPECT_EQ(sum, 1000u + (1u << 14) - (1u << 4));
}

TEST(X86Abi, Avx2KeepsWhatCallersRelyOn) { check_busy(Family::kAvx2, 32); }
TEST(X86Abi, Avx512KeepsWhatCallersRelyOn) { check_busy(Family::kAvx512, 64); }
TEST(X86Abi, Avx512WithNarrowVectorsKeepsWhatCallersRelyOn) { check_busy(Family::kAvx512, 16); }

TEST(X86Abi, FramesAreAlignedWhereverTheStackIs) {
  if (!has_family(Family::kAvx2)) GTEST_SKIP();
  // Streams fault where the address is not aligned.
  const Function function = flat_code("function @f avx2 frame 2\n g0 = arg 0\n g8 = gconst 1\n v1 = vones.32\n"
                                      " vstream.32 v1, [frame 1 + 32]\n v2 = vload.32 [frame 1 + 32]\n"
                                      " vstore.32 v2, [g0]\n g9 = gaddress [frame 0]\n gstore.8 g9, [g0 + 32]\n ret\n");
  for (const uint8_t saved : {8, 3, 12}) { // with and without a register to save
    std::vector<uint8_t> numbers(function.registers.size(), 1);
    numbers[0] = 7, numbers[8] = saved, numbers[9] = 9, numbers[2] = 2;
    const Runnable code = make_runnable(function, place_registers(function, numbers));
    ASSERT_TRUE(code.entry);
    uint64_t result[5] = {};
    Crossing crossing = make_crossing(code, {reinterpret_cast<uint64_t>(result), 0, 0, 0});
    cross(false, crossing);
    expect_kept(crossing, true);
    EXPECT_EQ(result[0], ~uint64_t{0});
    EXPECT_EQ(result[4] % 64, 0u);
  }
}

} // namespace
} // namespace sparkle::x86
