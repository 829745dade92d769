#!/usr/bin/env python3
"""check_layers.py [ROOT]: fails on an #include that the order of the boxes does not allow.

Three rules over every C++ file: a quoted include is root-relative, names a file of the tree and lies in a box that
the including box may use; `..` stands in no include; a third-party header is included by the folder that owns it only.
A new edge or library is a new word in the tables below, and a decision (docs/adr/) where it changes a boundary.
"""
import os
import re

import source_tree

CORE_OF_COMPILER = ["compiler/support", "compiler/ir", "compiler/target", "compiler/analysis"]
CHOICES = CORE_OF_COMPILER + ["compiler/schedule"]

# Box -> the boxes it may include. A box is a folder, or one of the names that box_of() gives.
MAY_USE = {
    "compiler/support": [],
    "compiler/ir": ["compiler/support"],
    "compiler/target": ["compiler/support", "compiler/ir"],
    "compiler/analysis": ["compiler/support", "compiler/ir", "compiler/target"],
    "compiler/schedule": CORE_OF_COMPILER,
    "compiler/passes": CHOICES,
    "compiler/pipeline": CHOICES + ["compiler/passes"],
    "dsl": ["compiler/support"],
    "compiler/import": ["compiler/support", "compiler/ir", "dsl"],
    "targets/reference": CORE_OF_COMPILER,
    "targets/c": CORE_OF_COMPILER,
    "targets/cpu": CORE_OF_COMPILER,
    "targets/host": ["compiler/support"],
    "targets/x86": CORE_OF_COMPILER + ["targets/cpu", "targets/host"],
    "targets/llvm": CORE_OF_COMPILER + ["targets/cpu", "targets/host"],
    "targets/vulkan": CORE_OF_COMPILER,
    # The table of targets; it names them, they do not know it.
    "targets": ["compiler/support", "compiler/target", "targets/reference", "targets/x86", "targets/vulkan"],
    "runtime core": ["compiler/support", "compiler/target/artifact.h"],
    # The facade, the one box that sees everything.
    "runtime facade": CHOICES + ["compiler/pipeline", "compiler/import", "dsl", "targets", "targets/c",
                                 "targets/reference", "runtime core"],
    # Files around what targets make ahead of time; sees no front end and no facade.
    "tools/aot": CORE_OF_COMPILER + ["runtime core"],
    # What users of the whole measure with; peers share what is said to them.
    "tools/bench": CHOICES + ["compiler/pipeline", "compiler/import", "dsl", "runtime core", "runtime facade"],
    "tools/peers": ["compiler/support", "runtime core", "tools/bench"],
}
# Users of the whole: anything goes, but no two of them include each other.
USERS = ["tools/probe", "tools/sparklec", "bindings", "examples", "tests"]

# Headers of runtime/ without a .cpp of their own that belong to the facade; all others belong to the core.
FACADE_HEADERS = {"runtime/embedded_files.h", "runtime/executable_kinds.h"}
FACADE_LIBRARIES = ("jit", "cpu_target_info", "ablation")

# Third-party headers (a pattern of the name) -> where they may be included.
OWNERS = {
    r"llvm/.*": ["targets/llvm/"],
    r"glslang/.*": ["targets/vulkan/"],
    r"spirv-tools/.*": ["targets/vulkan/", "tests/unit/targets/vulkan/"],
    r"vulkan/.*|volk\.[hc]": ["runtime/vulkan_", "tests/vulkan/"],
    r"xbyak/.*|Zydis/.*": ["targets/x86/", "tests/unit/targets/x86/"],
    r"png\.h|zlib\.h": ["runtime/image_io.cpp"],
    r"pthreadpool\.h": ["runtime/thread_backend_pthreadpool.cpp"],
    r"nlohmann/.*": ["runtime/", "tools/aot/", "tools/bench/", "tools/sparklec/", "tests/"],
    r"(?:math|stddef|stdint|stdio|stdlib|string)\.h": ["bindings/include/", "tests/aot/", "tests/install/"],  # C
    r"CLI/.*": ["tools/sparklec/"],
    r"sparkle/.*": ["bindings/", "examples/", "tests/install/", "tests/unit/bindings/"],
    r"gtest/.*|gmock/.*": ["tests/"],
    r"benchmark/.*": ["tests/bench/"],
    r"oneapi/.*|omp\.h|cblas\.h": ["tools/peers/"],
}
# What the compiler and the C library bring: <name> without a dot, and these.
SYSTEM = re.compile(r"[a-z_]+|(?:cpuid|immintrin|x86intrin)\.h|(?:sys|linux)/[a-z_]+\.h|"
                    r"(?:dlfcn|fcntl|poll|pthread|sched|signal|unistd|spawn|time|errno|elf)\.h")
# Headers that the build writes (a pattern of the name) -> where they may be included.
GENERATED = {r"[a-z0-9_]+_spirv\.h": "tests/", r"plugin_version\.h": "targets/"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)


def facade_sources(top):
    """Stems of the sources of the facade's libraries, from runtime/CMakeLists.txt."""
    text = source_tree.read(top, "runtime/CMakeLists.txt")
    stems = set()
    for name in FACADE_LIBRARIES:
        library = re.search(rf"NAME {name}\s+SOURCES(.*?)\n\s*DEPENDS", text, re.S)
        if library:
            stems |= {os.path.splitext(source)[0] for source in source_tree.cmake_sources(library[1])}
    return stems


def box_of(path, facade):
    for user in USERS:
        if path.startswith(user + "/"):
            return user
    if path.startswith("runtime/"):
        stem = os.path.splitext(os.path.basename(path))[0]
        return "runtime facade" if stem in facade or path in FACADE_HEADERS else "runtime core"
    return os.path.dirname(path)


def may_include(box, other_box, other_path):
    if box == other_box:
        return True
    if box in USERS:
        return other_box not in USERS
    return other_box in MAY_USE[box] or other_path in MAY_USE[box]


def check_quoted(top, path, name, facade):
    if os.path.exists(os.path.join(top, name)):
        box, other = box_of(path, facade), box_of(name, facade)
        if box not in MAY_USE and box not in USERS:
            return f"{path}: the folder `{box}` is not in the table of boxes"
        if not may_include(box, other, name):
            return f"{path}: `{box}` may not include `{name}` of `{other}`"
        return None
    if any(re.fullmatch(pattern, name) and path.startswith(place) for pattern, place in GENERATED.items()):
        return None
    return f"{path}: `{name}` is no file of the tree; includes are root-relative"


def check_angled(path, name):
    if SYSTEM.fullmatch(name):
        return None
    for pattern, places in OWNERS.items():
        if re.fullmatch(pattern, name):
            if path.startswith(tuple(places)):
                return None
            return f"{path}: <{name}> may be included in {', '.join(places)} only"
    return f"{path}: <{name}> has no owner in the table of third-party headers"


def main():
    top = source_tree.root()
    facade = facade_sources(top)
    problems, edges = [], 0
    folders = ("dsl", "compiler", "targets", "runtime", "tools", "bindings", "examples", "tests")
    for path in source_tree.files(top, folders, (".h", ".cpp", ".c", ".def", ".inc")):
        for kind, name in INCLUDE.findall(source_tree.read(top, path)):
            edges += 1
            if ".." in name.split("/"):
                problems.append(f"{path}: `..` in the include of `{name}`")
                continue
            problem = check_quoted(top, path, name, facade) if kind == '"' else check_angled(path, name)
            if problem:
                problems.append(problem)
    source_tree.finish("check_layers", problems, edges)


main()
