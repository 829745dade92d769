#include "targets/vulkan/glsl_statements.h"

#include <utility>

#include "compiler/support/match.h"

namespace sparkle::vulkan {

void StatementWriter::write(StmtId id) {
  const Stmt stmt = k_.stmt(id); // A copy: small, and safe whatever is added to the kernel.
  match(
      stmt, [&](const Block &s) { write_block(s); }, [&](const For &s) { write_for(id, s); },
      [&](const If &s) { write_if(s); }, [&](const Let &s) { write_let(s); }, [&](const Load &s) { write_load(s); },
      [&](const Store &s) { write_store(s); }, [&](const Prefetch &) {}, [&](const Barrier &) { write_barrier(); },
      [&](const Alloc &s) { write_alloc(s); },
      [&](const Copy &) { check_failed("stage", __FILE__, __LINE__, "Copy at stage kLowerable"); },
      [&](const FragmentFill &) { check_failed("stage", __FILE__, __LINE__, "check_kernel refuses fragments"); },
      [&](const FragmentMove &) { check_failed("stage", __FILE__, __LINE__, "check_kernel refuses fragments"); },
      [&](const FragmentMma &) { check_failed("stage", __FILE__, __LINE__, "check_kernel refuses fragments"); });
}

void StatementWriter::write_block(const Block &block) {
  for (size_t i = 0; i < block.stmts.size(); ++i) {
    auto *load = std::get_if<Load>(&k_.stmt(block.stmts[i]));
    if (load && sole_user(block.stmts, i)) {
      Places places = accesses_.places(access_of(k_, c_.divisors, *load));
      Type type = k_.var(load->var).type;
      ExprId var = c_.build.var(load->var);
      c_.name_expr(var, accesses_.read(places, type));
    } else {
      write(block.stmts[i]);
    }
  }
}

void StatementWriter::write_nested(StmtId body) {
  GlslContext::Scope scope(c_);
  c_.out.indent();
  write(body);
  c_.out.dedent();
}

void StatementWriter::write_for(StmtId id, const For &loop) {
  switch (loop.kind) {
  case LoopKind::kGroup: return write_group(id, loop);
  case LoopKind::kTeam:
  case LoopKind::kWorker: return write_worker(id, loop);
  case LoopKind::kSerial:
  case LoopKind::kUnrolled: return write_sequential(loop);
  case LoopKind::kLane: break;
  }
  check_failed("stage", __FILE__, __LINE__, "lane loop at stage kLowerable");
}

std::string StatementWriter::offset_from(ExprId begin, const std::string &number) {
  std::string converted = number == "0" ? number : c_.type_name(kIndexType) + "(" + number + ")";
  if (k_.constant(begin) == 0) return converted;
  return e_.write(begin).at_least(Precedence::kAdditive) + " + " + converted;
}

void StatementWriter::write_group(StmtId id, const For &loop) {
  const GroupDigit digit = c_.shape.groups.at(id);
  auto as_uint = [&](ExprId e) {
    auto value = k_.constant(e);
    return value ? std::to_string(*value) + "u" : "uint(" + e_.text(e) + ")";
  };
  std::string number = "group";
  if (k_.constant(digit.divisor) != 1) number += " / " + as_uint(digit.divisor);
  if (!digit.is_outermost) number += " % " + as_uint(digit.extent);
  if (k_.constant(digit.extent) == 1) number = "0";
  c_.out.line("const ", c_.type_name(kIndexType), " ", c_.name_of_var(loop.var), " = ", offset_from(loop.begin, number),
              ";");
  c_.ranges.push_loop(k_, loop);
  write(loop.body);
}

void StatementWriter::write_worker(StmtId id, const For &loop) {
  const WorkerDigit &digit = c_.shape.workers.at(id);
  bool all_take_part = digit.extent * digit.divisor == digit.span;
  bool is_whole_group = digit.span == c_.shape.local_size;
  auto part = [](std::string_view op, int64_t n) { return std::string(op) + std::to_string(n) + "u"; };

  std::string number = "worker";
  if (!all_take_part && !is_whole_group) number += part(" % ", digit.span);
  if (!all_take_part) c_.out.line("if (", number, " < ", digit.extent * digit.divisor, "u) {");
  if (!all_take_part) c_.out.indent();
  if (digit.divisor != 1) number += part(" / ", digit.divisor);
  if (all_take_part && !is_whole_group) number += part(" % ", digit.extent);
  if (digit.extent == 1) number = "0";
  if (all_take_part) return write_worker_body(loop, digit, number);
  GlslContext::Scope scope(c_);
  write_worker_body(loop, digit, number);
  c_.out.dedent();
  c_.out.line("}");
}

void StatementWriter::write_worker_body(const For &loop, const WorkerDigit &digit, const std::string &number) {
  c_.out.line("const ", c_.type_name(kIndexType), " ", c_.name_of_var(loop.var), " = ", offset_from(loop.begin, number),
              ";");
  RangesScope ranges(c_.ranges);
  c_.ranges.push_loop(k_, loop);
  int64_t outer_span = std::exchange(span_, digit.divisor);
  write(loop.body);
  span_ = outer_span;
}

void StatementWriter::write_sequential(const For &loop) {
  e_.name_shared({loop.begin, loop.end});
  std::string type = c_.type_name(kIndexType);
  std::string begin = e_.text(loop.begin);
  std::string end = e_.write(loop.end).at_least(Precedence::kShift);
  GlslContext::Scope scope(c_);
  const std::string name = c_.name_of_var(loop.var);
  std::string_view hint = loop.kind == LoopKind::kUnrolled ? "[[unroll]] " : "";
  c_.out.line(hint, "for (", type, " ", name, " = ", begin, "; ", name, " < ", end, "; ++", name, ") {");
  c_.ranges.push_loop(k_, loop);
  write_nested(loop.body);
  c_.out.line("}");
}

void StatementWriter::write_if(const If &branch) {
  e_.name_shared({branch.cond});
  c_.out.line("if (", e_.text(branch.cond), ") {");
  {
    RangesScope scope(c_.ranges);
    c_.ranges.push_condition(k_, branch.cond);
    write_nested(branch.then_body);
  }
  if (is_valid(branch.else_body)) {
    c_.out.line("} else {");
    write_nested(branch.else_body);
  }
  c_.out.line("}");
}

std::string StatementWriter::precise(Type type) const { return k_.strict && is_float(type.scalar) ? "precise " : ""; }

void StatementWriter::write_let(const Let &let) {
  e_.name_shared({let.value});
  Type type = k_.var(let.var).type;
  std::string value = e_.text(let.value);
  c_.out.line(precise(type), c_.type_name(type), " ", c_.name_of_var(let.var), " = ", value, ";");
  if (type == kIndexType) c_.ranges.push_value(k_, let.var, let.value);
}

void StatementWriter::write_barrier() {
  bool orders_far_memory = false;
  for (const auto &[buffer, view] : c_.views) {
    orders_far_memory |= k_.buffer(buffer).level == MemoryLevel::kFar && view.is_read && view.is_written;
  }
  if (orders_far_memory) c_.out.line("memoryBarrierBuffer();");
  c_.out.line("barrier();");
}

/// Near buffers are declared outside main.
void StatementWriter::write_alloc(const Alloc &alloc) {
  const Buffer &buffer = k_.buffer(alloc.buffer);
  if (buffer.level != MemoryLevel::kRegister) return;
  const BufferView &view = c_.views.at(alloc.buffer);
  int width = !view.quads.empty() ? 4 : !view.pairs.empty() ? 2 : 1;
  int64_t length = (*k_.extent(alloc.buffer, 0) + width - 1) / width;
  std::string type = c_.type_name({buffer.element, static_cast<uint16_t>(width)});
  c_.out.line(precise({buffer.element, 1}), type, " ", view.array(width), "[", length, "];");
}

} // namespace sparkle::vulkan
