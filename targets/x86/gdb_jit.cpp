#include "targets/x86/gdb_jit.h"

#include <cstring>
#include <mutex>

#include <elf.h>

// Names and layout are gdb's: it puts a breakpoint on the function and reads the list when it is hit.
extern "C" {

struct jit_code_entry {
  jit_code_entry *next_entry;
  jit_code_entry *prev_entry;
  const char *symfile_addr;
  uint64_t symfile_size;
};

struct jit_descriptor {
  uint32_t version;
  uint32_t action_flag; // 1: registered, 2: about to go
  jit_code_entry *relevant_entry;
  jit_code_entry *first_entry;
};

__attribute__((visibility("default"), noinline)) void __jit_debug_register_code() { __asm__ volatile("" ::: "memory"); }

__attribute__((visibility("default"))) jit_descriptor __jit_debug_descriptor = {1, 0, nullptr, nullptr};
}

namespace sparkle::x86 {
namespace {

enum : uint32_t { kRegister = 1, kUnregister = 2 };

std::mutex &list_mutex() {
  static std::mutex mutex;
  return mutex;
}

void tell(uint32_t action, jit_code_entry &entry) {
  __jit_debug_descriptor.action_flag = action;
  __jit_debug_descriptor.relevant_entry = &entry;
  __jit_debug_register_code();
}

class ShownObject {
public:
  explicit ShownObject(std::vector<uint8_t> object) : object_(std::move(object)) {
    const std::lock_guard lock(list_mutex());
    entry_.symfile_addr = reinterpret_cast<const char *>(object_.data());
    entry_.symfile_size = object_.size();
    entry_.next_entry = __jit_debug_descriptor.first_entry;
    if (entry_.next_entry) entry_.next_entry->prev_entry = &entry_;
    __jit_debug_descriptor.first_entry = &entry_;
    tell(kRegister, entry_);
  }
  ~ShownObject() {
    const std::lock_guard lock(list_mutex());
    if (entry_.next_entry) entry_.next_entry->prev_entry = entry_.prev_entry;
    if (entry_.prev_entry)
      entry_.prev_entry->next_entry = entry_.next_entry;
    else
      __jit_debug_descriptor.first_entry = entry_.next_entry;
    tell(kUnregister, entry_);
  }
  ShownObject(const ShownObject &) = delete;
  ShownObject &operator=(const ShownObject &) = delete;

private:
  std::vector<uint8_t> object_;
  jit_code_entry entry_ = {};
};

/// Sections in the order of their numbers.
enum Section : uint16_t { kNull, kText, kNames, kStrings, kSymbols, kSections };

struct Object {
  Elf64_Ehdr header;
  Elf64_Shdr sections[kSections];
  Elf64_Sym symbols[2];
};

uint32_t add_name(std::string &names, std::string_view name) {
  const size_t at = names.size();
  names.append(name).push_back('\0');
  return static_cast<uint32_t>(at);
}

Elf64_Ehdr object_header() {
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_shoff = offsetof(Object, sections);
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = kSections;
  header.e_shstrndx = kNames;
  return header;
}

} // namespace

std::vector<uint8_t> symbol_object(const std::string &name, const uint8_t *address, size_t bytes) {
  Object object = {};
  object.header = object_header();
  std::string names(1, '\0'), strings(1, '\0');
  // Its bytes are those in memory: the section has an address and no contents.
  Elf64_Shdr &text = object.sections[kText];
  text = {add_name(names, ".text"),
          SHT_NOBITS,
          SHF_ALLOC | SHF_EXECINSTR,
          reinterpret_cast<uintptr_t>(address),
          0,
          bytes,
          0,
          0,
          64,
          0};
  Elf64_Sym &symbol = object.symbols[1];
  symbol = {add_name(strings, name), ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, kText, 0, bytes};
  object.sections[kSymbols] = {add_name(names, ".symtab"), SHT_SYMTAB, 0, 0, offsetof(Object, symbols),
                               sizeof object.symbols,      kStrings,   1, 8, sizeof(Elf64_Sym)};
  const uint32_t string_name = add_name(names, ".strtab"), names_name = add_name(names, ".shstrtab");
  object.sections[kNames] = {names_name, SHT_STRTAB, 0, 0, sizeof object, names.size(), 0, 0, 1, 0};
  object.sections[kStrings] = {string_name, SHT_STRTAB, 0, 0, sizeof object + names.size(), strings.size(), 0, 0, 1, 0};
  std::vector<uint8_t> out(sizeof object);
  std::memcpy(out.data(), &object, sizeof object);
  out.insert(out.end(), names.begin(), names.end());
  out.insert(out.end(), strings.begin(), strings.end());
  return out;
}

std::shared_ptr<void> show_to_gdb(std::vector<uint8_t> object) {
  return std::make_shared<ShownObject>(std::move(object));
}

int shown_to_gdb() {
  const std::lock_guard lock(list_mutex());
  int count = 0;
  for (const jit_code_entry *entry = __jit_debug_descriptor.first_entry; entry; entry = entry->next_entry) ++count;
  return count;
}

} // namespace sparkle::x86
