#include "tools/sparklec/help.h"

#include "runtime/embedded_files.h"
#include "tools/sparklec/target_choice.h"

namespace sparkle::cli {

const CommandHelp kMainHelp{"", "Sparkle compiles convolution-like tensor kernels for CPUs and GPUs.", R"(
Examples:
  sparklec run examples/resnet50_conv1.spk --verify       compile, run, compare with the reference
  sparklec explain examples/resnet50_conv1.spk            the schedule that was chosen, and why
  sparklec emit examples/matmul.spk -D M=512 -D N=512 -D K=512 --stage glsl --target-info h100
  sparklec build examples/resnet50_conv1.spk -o out --target x86-64-v3,x86-64-v4,aarch64,vulkan
  sparklec devices                                        what this machine has, and what was left out
  sparklec run --help                                     all options of a command

Exit codes: 0 done, 1 the input is wrong, 2 wrong usage, 3 the machine cannot, 70 a bug in Sparkle.
Options named in (Env:...) can be given by environment variables too.)"};

const CommandHelp kRunHelp{"run", "Compile a kernel and run it", R"(
Examples:
  sparklec run examples/resnet50_conv1.spk
      random inputs, the fastest device by prediction
  sparklec run examples/matmul.spk -D M=4096 -D N=4096 -D K=4096 --device vulkan! --verify=sampled
      on the first GPU or not at all, results compared at some thousand places
  sparklec run examples/unsharp.spk --input src=photo.png --output dst=sharp.png -D amount=1.5
      sizes come from the picture; `amount` is a run-time scalar
  sparklec run conv.spk --input src=src.npy --input wei=wei.npy --output dst=dst.npy --json
      arrays of NumPy; the report as one JSON object
  sparklec run conv.spk --schedule conv.schedule --repeat 50 --warmup=5
      a schedule of your own, timed)"};

const CommandHelp kEmitHelp{"emit", "Print a program at any stage of its way", R"(
Stages:
  ast        the text in one fixed layout          ir         the loop IR as imported
  bound      with every size filled in             ir:PASS    after a pass: ir:tile, ir:pack, ir:flatten...
  c          plain C: the text, loop by loop
  schedule   what was chosen, for --schedule       vreg       code for a CPU, before its registers are chosen
  llvm       the same through LLVM                 asm        machine code (--target x86 or llvm)
  glsl       a compute shader for each launch      spirv      the same as binary modules (needs -o)

Examples:
  sparklec emit examples/resnet50_conv1.spk --stage schedule -o conv1.schedule
  sparklec emit examples/resnet50_conv1.spk --stage ir:tile --target-info zen4
  sparklec emit examples/resnet50_conv1.spk --stage glsl --target-info h100      no GPU is needed
  sparklec emit examples/resnet50_conv1.spk --stage asm --isa avx2)"};

const CommandHelp kBuildHelp{"build", "Compile ahead of time: objects with a C header, shaders with a description", R"(
Targets, any of them separated by commas; NAME=MACHINE plans for a machine description (--target-info of other commands):
  x86-64-v3, x86-64-v4   KERNEL.x86-64-v3.o..., and KERNEL.dispatch.o, which picks one when it runs
  aarch64                KERNEL.aarch64.o
  vulkan                 KERNEL.comp, KERNEL.spv for each launch, KERNEL.vulkan.json to launch them by
Objects come with KERNEL.h, for C and C++. The same program gives the same bytes.

Examples:
  sparklec build examples/resnet50_conv1.spk -o out --target x86-64-v3,x86-64-v4
  sparklec build examples/matmul.spk -D M=512 -D N=512 -D K=512 -o out --target aarch64,vulkan=h100
  sparklec build conv.spk -o out --target x86-64-v3 --schedule conv.schedule -MD -MF out/conv.d)"};

const CommandHelp kExplainHelp{"explain", "Say which schedule is chosen, and why", R"(
Examples:
  sparklec explain examples/resnet50_conv1.spk
  sparklec explain examples/matmul.spk -D M=4096 -D N=4096 -D K=4096 --target-info h100
  sparklec explain conv.spk --schedule conv.schedule          what the cost model thinks of your schedule)"};

const CommandHelp kAblateHelp{"ablate", "Measure what each memory pattern is worth, beside plain C", R"(
Examples:
  sparklec ablate examples/resnet50_conv1.spk
      on one thread of the CPU: patterns added one by one, and each one taken away
  sparklec ablate examples/resnet50_conv1.spk --device cpu,vulkan --json
  sparklec ablate conv.spk --schedule conv.schedule --repeat 15 --seconds 10)"};

const CommandHelp kBenchHelp{"bench", "Time lists of layers beside another implementation, or compilation", R"(
Ratios are the peer's time over ours: above 1 Sparkle is faster. The peer runs in a process of its own; both take turns,
between probes of the CPU's peak, and pairs of turns that others disturbed are dropped.

Examples:
  sparklec bench --shapes tests/shapes/resnet50.txt --peer onednn
      on one thread, batch 1, a row for each layer
  sparklec bench --shapes tests/shapes/resnet50.txt --batch 32 --threads 8 --isa avx2 --peer onednn --json resnet.json
      oneDNN is held to the same instruction set
  sparklec bench --shapes tests/shapes/mobilenet_dw.txt --filter v2_ --peer onednn --peer-layout plain
      images of both in the same layout
  sparklec bench --jit examples/conv3x3.spk examples/depthwise.spk
      from text to callable code, phase by phase: the first time, and again
  sparklec bench --jit --shapes tests/shapes/resnet50.txt)"};

const CommandHelp kDevicesHelp{"devices", "List the devices, and why others are left out", R"(
Examples:
  sparklec devices
  sparklec devices --measure                 peaks of arithmetic and memory, measured now
  sparklec devices --probe                   give a driver that failed when it was tried another chance
  sparklec devices --info cpu > mine.target  a machine description to edit for --target-info
  sparklec devices --info h100               one of those that come with Sparkle)"};

const CommandHelp kDoctorHelp{"doctor", "Check the installation and the machine", R"(
Compiles, runs and compares a small kernel on every device. Ends with 3 if something that is needed is missing.

Examples:
  sparklec doctor
  sparklec doctor --json                     to attach to a report)"};

std::string fixture_names() {
  std::string names;
  for (const EmbeddedFile &file : embedded_files())
    if (file.name.ends_with(kTargetInfoEnding))
      names +=
          (names.empty() ? "" : ", ") + std::string(file.name.substr(0, file.name.size() - kTargetInfoEnding.size()));
  return names;
}

} // namespace sparkle::cli
