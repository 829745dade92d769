// Rates: Agner Fog, "Instruction tables" and "The microarchitecture of Intel, AMD and VIA CPUs" (vfmadd231ps, vmovups,
// vbroadcastss). Models: Intel SDM volume 4, table 2-1; AMD revision guides per family. L1 and L2: Intel Optimization
// Reference Manual (2, processor descriptions) and AMD Software Optimization Guides (56305, 57647, 58455): widths are
// the manuals', cut to what a loop of loads sustains (about three quarters at L2). L3 and memory: what one core reaches
// with the lines it can keep in flight; a probe of the machine at hand is better than both.
#include "runtime/cpu_core_facts.h"

namespace sparkle {
namespace {

constexpr std::string_view kIntel = "GenuineIntel";
constexpr std::string_view kAmd = "AuthenticAMD";
constexpr std::string_view kHygon = "HygonGenuine";

constexpr CoreFacts with_name(CoreFacts facts, std::string_view name) {
  facts.name = name;
  return facts;
}
constexpr CoreFacts at(CoreFacts facts, int family, int first_model, int last_model) {
  facts.family = family;
  facts.first_model = first_model;
  facts.last_model = last_model;
  return facts;
}
constexpr CoreFacts model(CoreFacts facts, int model) { return at(facts, facts.family, model, model); }

// vendor, family, models, name, {fma, load, store} with 8 and with 16 lanes, fma latency, L1 latency, L2, L3, DRAM
constexpr CoreFacts kHaswell = {kIntel, 6, 0x3C, 0x3C, "Haswell", {2, 2, 1}, {}, 5, 6, 25, 12, 10, 36, 3, 230};
constexpr CoreFacts kSkylake = {kIntel, 6, 0x4E, 0x4E, "Skylake", {2, 2, 1}, {}, 4, 7, 32, 12, 12, 40, 4, 240};
constexpr CoreFacts kSkylakeServer = {kIntel, 6,  0x55, 0x55, "Skylake server", {2, 2, 1}, {2, 2, 1}, 4, 7, 48, 14,
                                      8,      68, 4,    220};
/// Consumer cores fuse two 256-bit units into one of 512 bits and lack the unit on port 5.
constexpr CoreFacts kSunnyCove = {kIntel, 6,  0x7D, 0x7E, "Sunny Cove", {2, 2, 2}, {1, 2, 1}, 4,
                                  7,      48, 14,   12,   45,           5,         250};
constexpr CoreFacts kIceLakeServer = {kIntel, 6,  0x6A, 0x6C, "Ice Lake server", {2, 2, 2}, {2, 2, 1}, 4, 7, 48, 14,
                                      8,      72, 4,    250};
constexpr CoreFacts kGoldenCove = {kIntel, 6, 0x97, 0x9A, "Golden Cove", {2, 3, 2}, {}, 4, 7, 48, 15, 14, 60, 6, 300};
constexpr CoreFacts kGoldenCoveServer = {
    kIntel, 6, 0x8F, 0x8F, "Golden Cove server", {2, 3, 2}, {2, 2, 1}, 4, 7, 48, 15, 8, 75, 4, 300, true};
/// Two units of 128 bits.
constexpr CoreFacts kGracemont = {kIntel, 6, 0xBE, 0xBE, "Gracemont", {1, 1, 1}, {}, 6, 7, 24, 17, 8, 65, 4, 280};
/// Units of 128 bits: a vector of 8 floats takes two.
constexpr CoreFacts kZen1 = {kAmd, 0x17, 0x00, 0x2F, "Zen", {1, 1, 0.5}, {}, 5, 7, 24, 12, 12, 40, 5, 280};
constexpr CoreFacts kZen2 = {kAmd, 0x17, 0x30, 0xFF, "Zen 2", {2, 2, 1}, {}, 5, 7, 26, 12, 16, 40, 6, 300};
constexpr CoreFacts kZen3 = {kAmd, 0x19, 0x00, 0x0F, "Zen 3", {2, 2, 1}, {}, 4, 7, 28, 12, 20, 46, 6, 320};
/// Vectors of 16 floats take two passes through units, load and store paths of 256 bits.
constexpr CoreFacts kZen4 = {kAmd, 0x19, 0x10, 0xFF, "Zen 4", {2, 2, 1}, {1, 1, 0.5}, 4, 7, 28, 14, 20, 50, 6, 350};
constexpr CoreFacts kZen5 = {kAmd, 0x1A, 0x00, 0xFF, "Zen 5", {2, 2, 2}, {2, 2, 1}, 4, 7, 48, 14, 20, 50, 8, 380};
/// Mobile parts keep the paths of Zen 4.
constexpr CoreFacts kZen5Mobile = {kAmd, 0x1A, 0x20, 0x2F, "Zen 5 mobile", {2, 2, 2}, {1, 1, 0.5}, 4, 7, 28, 14,
                                   18,   50,   6,    380};

/// The first row that fits counts.
constexpr CoreFacts kCores[] = {
    kHaswell,
    model(kHaswell, 0x3F),
    model(kHaswell, 0x45),
    model(kHaswell, 0x46),
    with_name(model(kHaswell, 0x3D), "Broadwell"),
    with_name(model(kHaswell, 0x47), "Broadwell"),
    with_name(model(kHaswell, 0x4F), "Broadwell"),
    with_name(model(kHaswell, 0x56), "Broadwell"),
    kSkylake,
    model(kSkylake, 0x5E),
    with_name(model(kSkylake, 0x8E), "Kaby Lake"),
    with_name(model(kSkylake, 0x9E), "Kaby Lake"),
    with_name(model(kSkylake, 0xA5), "Comet Lake"),
    with_name(model(kSkylake, 0xA6), "Comet Lake"),
    kSkylakeServer,
    kSunnyCove,
    with_name(model(kSunnyCove, 0x8C), "Willow Cove"),
    with_name(model(kSunnyCove, 0x8D), "Willow Cove"),
    with_name(model(kSunnyCove, 0xA7), "Cypress Cove"),
    kIceLakeServer,
    kGoldenCove,
    with_name(at(kGoldenCove, 6, 0xB7, 0xB7), "Raptor Cove"),
    with_name(at(kGoldenCove, 6, 0xBA, 0xBA), "Raptor Cove"),
    with_name(at(kGoldenCove, 6, 0xBF, 0xBF), "Raptor Cove"),
    with_name(at(kGoldenCove, 6, 0xAA, 0xAC), "Redwood Cove"),
    with_name(at(kGoldenCove, 6, 0xBD, 0xBD), "Lion Cove"),
    with_name(at(kGoldenCove, 6, 0xC5, 0xC6), "Lion Cove"),
    kGoldenCoveServer,
    with_name(model(kGoldenCoveServer, 0xCF), "Raptor Cove server"),
    with_name(at(kGoldenCoveServer, 6, 0xAD, 0xAE), "Redwood Cove server"),
    kGracemont,
    with_name(at(kGracemont, 6, 0xAF, 0xAF), "Crestmont server"),
    kZen1,
    kZen2,
    kZen3,
    at(kZen3, 0x19, 0x20, 0x5F), // desktop and mobile; 10-1F and 60 up are Zen 4
    kZen4,
    kZen5Mobile,
    at(kZen5Mobile, 0x1A, 0x60, 0x6F),
    kZen5,
};

/// Xeon Scalable of the first two generations and Xeon D: the lower ranks have no second unit of 512 bits. CPUID does
/// not say; the brand string does. Without a rank in it (cloud machines) both units are there.
bool lacks_second_unit(const CpuInfo &info) {
  if (info.vendor != kIntel || info.model != 0x55) return false;
  for (const std::string_view exception : {"Gold 5122", "Gold 5222"}) {
    if (info.name.find(exception) != std::string::npos) return false;
  }
  for (const std::string_view rank : {"Bronze", "Silver", "Gold 5", "Gold(R) 5", "Xeon(R) D-21"}) {
    if (info.name.find(rank) != std::string::npos) return true;
  }
  return false;
}

bool fits(const CoreFacts &row, const CpuInfo &info) {
  const std::string_view vendor = info.vendor == kHygon ? kAmd : std::string_view(info.vendor);
  const int family = info.vendor == kHygon ? 0x17 : info.family; // Hygon's 0x18 is Zen
  const int model = info.vendor == kHygon ? 0 : info.model;
  return row.vendor == vendor && row.family == family && row.first_model <= model && model <= row.last_model;
}

} // namespace

CoreFacts core_facts(const CpuInfo &info) {
  for (const CoreFacts &row : kCores) {
    if (!fits(row, info)) continue;
    CoreFacts facts = row;
    if (lacks_second_unit(info)) facts.avx512.fma = 1;
    return facts;
  }
  // Whatever comes later has at least what Haswell had, and one unit of 512 bits if it has such vectors at all.
  return {info.vendor, info.family, info.model, info.model, "unknown", {2, 2, 1}, {1, 1, 0.5}, 4,
          7,           24,          15,         8,          60,        4,         300};
}

} // namespace sparkle
