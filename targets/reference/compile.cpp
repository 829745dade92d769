// Statements to the compiled tree.
#include <algorithm>

#include "compiler/analysis/walk.h"
#include "compiler/support/match.h"
#include "targets/reference/expr_compiler.h"

namespace sparkle::reference {
namespace {

bool is_shared(const Buffer &buffer) {
  return buffer.level == MemoryLevel::kNear || buffer.fragment != FragmentUse::kNone;
}

bool is_worker_loop(LoopKind kind) { return kind == LoopKind::kTeam || kind == LoopKind::kWorker; }

class KernelCompiler {
public:
  explicit KernelCompiler(CompiledKernel &out) : out_(out), kernel_(*out.kernel), exprs_(out) {}

  Status run();

private:
  using NodePtr = std::unique_ptr<Node>;

  void place_buffers();
  NodePtr stmt(StmtId id);
  void block(Node &node, const Block &s);
  void loop(Node &node, const For &s);
  void branch(Node &node, const If &s);
  void let(Node &node, const Let &s);
  void load(Node &node, const Load &s);
  void store(Node &node, const Store &s);
  void copy(Node &node, const Copy &s);
  void alloc(Node &node, BufferId buffer);
  void move(Node &node, const FragmentMove &s);
  void check_copy(const Copy &s);
  void expect(ExprId expr, Scalar type, const char *what);
  /// Opens a place that the statements after this one, up to the end of the block, still see.
  void open_for_block(Code &place) {
    exprs_.open(place);
    ++block_places_;
  }

  CompiledKernel &out_;
  const Kernel &kernel_;
  ExprCompiler exprs_;
  int block_places_ = 0; ///< Places to close at the end of the innermost block.
};

Status KernelCompiler::run() {
  place_buffers();
  for_each_stmt(kernel_, kernel_.body, [&](StmtId id) {
    const auto *loop = std::get_if<For>(&kernel_.stmt(id));
    if (!loop || !is_worker_loop(loop->kind)) return;
    const auto begin = kernel_.constant(loop->begin);
    const auto end = kernel_.constant(loop->end);
    if (!begin || !end || *end - *begin != 1) out_.has_workers = true;
  });
  out_.body = stmt(kernel_.body);
  if (exprs_.error()) return *exprs_.error();
  return ok();
}

void KernelCompiler::place_buffers() {
  out_.locals.resize(kernel_.buffer_count());
  out_.extents.resize(kernel_.buffer_count());
  out_.strides.resize(kernel_.buffer_count());
  for (size_t i = 0; i < kernel_.buffer_count(); ++i) {
    const Buffer &buffer = kernel_.buffer(static_cast<BufferId>(i));
    int64_t elements = 1;
    for (size_t d = 0; d < buffer.extents.size(); ++d) {
      out_.extents[i].push_back(exprs_.value(buffer.extents[d]));
      out_.strides[i].push_back(exprs_.value(buffer.strides[d]));
      const auto extent = kernel_.constant(buffer.extents[d]);
      const auto stride = kernel_.constant(buffer.strides[d]);
      if (extent && stride && *extent > 0)
        elements += (*extent - 1) * *stride;
      else if (buffer.level == MemoryLevel::kRegister)
        exprs_.fail(ErrorCode::kUnsupported, "register buffer `" + buffer.name + "` has no constant size");
    }
    LocalPlace &local = out_.locals[i];
    if (is_shared(buffer)) {
      local.data = exprs_.allocate(sizeof(void *));
    } else if (buffer.level == MemoryLevel::kRegister) {
      local.data = exprs_.allocate(elements * bytes_of(buffer.element));
      local.written = exprs_.allocate(elements);
      local.elements = elements;
    }
  }
}

void KernelCompiler::expect(ExprId expr, Scalar type, const char *what) {
  if (kernel_.type_of(expr).scalar != type)
    exprs_.fail(ErrorCode::kInternal, std::string(what) + " has type " + to_string(kernel_.type_of(expr)));
}

KernelCompiler::NodePtr KernelCompiler::stmt(StmtId id) {
  auto node = std::make_unique<Node>();
  node->stmt = id;
  match(
      kernel_.stmt(id), [&](const Block &s) { block(*node, s); }, [&](const For &s) { loop(*node, s); },
      [&](const If &s) { branch(*node, s); }, [&](const Let &s) { let(*node, s); },
      [&](const Load &s) { load(*node, s); }, [&](const Store &s) { store(*node, s); },
      [&](const Copy &s) { copy(*node, s); },
      [&](const Prefetch &s) {
        node->kind = Node::Kind::kPrefetch;
        exprs_.open(node->before);
        node->access = exprs_.access(s.buffer, s.indices);
        for (ExprId index : s.indices) node->lanes = std::max<int>(node->lanes, kernel_.type_of(index).lanes);
        exprs_.close();
      },
      [&](const Barrier &s) {
        node->kind = Node::Kind::kBarrier;
        node->scope = s.scope;
        node->together = true;
      },
      [&](const Alloc &s) { alloc(*node, s.buffer); },
      [&](const FragmentFill &s) {
        node->kind = Node::Kind::kFill;
        node->together = true;
        node->access.buffer = s.fragment;
        expect(s.value, kernel_.buffer(s.fragment).element, "value of a fragment fill");
        exprs_.open(node->before);
        node->value = exprs_.value(s.value);
        exprs_.close();
      },
      [&](const FragmentMove &s) { move(*node, s); },
      [&](const FragmentMma &s) {
        node->kind = Node::Kind::kMma;
        node->together = true;
        node->mma = s;
      });
  return node;
}

void KernelCompiler::block(Node &node, const Block &s) {
  const int outer = block_places_;
  block_places_ = 0;
  for (StmtId id : s.stmts) {
    node.children.push_back(stmt(id));
    node.together |= node.children.back()->together;
  }
  for (; block_places_ > 0; --block_places_) exprs_.close();
  block_places_ = outer;
}

void KernelCompiler::loop(Node &node, const For &s) {
  node.kind = Node::Kind::kFor;
  node.loop = s.kind;
  exprs_.open(node.before);
  node.begin = exprs_.value(s.begin);
  node.end = exprs_.value(s.end);
  exprs_.open(node.each);
  node.var = exprs_.bind(s.var);
  const int outer = block_places_;
  block_places_ = 0;
  node.children.push_back(stmt(s.body));
  for (; block_places_ > 0; --block_places_) exprs_.close(); // A body that is one Let or Load.
  block_places_ = outer;
  exprs_.close();
  exprs_.close();
  node.together = node.children[0]->together;
}

void KernelCompiler::branch(Node &node, const If &s) {
  node.kind = Node::Kind::kIf;
  expect(s.cond, Scalar::kBool, "condition");
  exprs_.open(node.before);
  node.value = exprs_.value(s.cond);
  const int outer = block_places_;
  for (StmtId body : {s.then_body, s.else_body}) {
    if (!is_valid(body)) continue;
    // A place of its own: what the branch computes is not there for the other one.
    node.children.push_back(std::make_unique<Node>());
    Node &holder = *node.children.back();
    holder.stmt = body;
    block_places_ = 0;
    exprs_.open(holder.before);
    holder.children.push_back(stmt(body));
    for (; block_places_ > 0; --block_places_) exprs_.close();
    exprs_.close();
    holder.together = holder.children[0]->together;
    node.together |= holder.together;
  }
  block_places_ = outer;
  exprs_.close();
}

void KernelCompiler::let(Node &node, const Let &s) {
  node.kind = Node::Kind::kLet;
  if (kernel_.type_of(s.value) != kernel_.var(s.var).type)
    exprs_.fail(ErrorCode::kInternal, "value of `" + kernel_.var(s.var).name + "` has another type");
  open_for_block(node.each);
  exprs_.alias(s.var, s.value);
}

void KernelCompiler::load(Node &node, const Load &s) {
  node.kind = Node::Kind::kLoad;
  const Type type = kernel_.var(s.var).type;
  if (type.scalar != kernel_.buffer(s.buffer).element)
    exprs_.fail(ErrorCode::kInternal,
                "`" + kernel_.var(s.var).name + "` does not have the type of the buffer's elements");
  exprs_.open(node.before);
  node.access = exprs_.access(s.buffer, s.indices);
  if (is_valid(s.mask)) {
    node.mask = exprs_.value(s.mask);
    node.mask_is_vector = exprs_.is_vector(s.mask);
    node.other = exprs_.value(s.other);
    node.value_is_vector = exprs_.is_vector(s.other);
  }
  exprs_.close();
  node.lanes = type.lanes;
  open_for_block(node.each);
  node.var = exprs_.bind(s.var);
}

void KernelCompiler::store(Node &node, const Store &s) {
  node.kind = Node::Kind::kStore;
  expect(s.value, kernel_.buffer(s.buffer).element, "stored value");
  exprs_.open(node.before);
  node.access = exprs_.access(s.buffer, s.indices);
  node.value = exprs_.value(s.value);
  node.value_is_vector = exprs_.is_vector(s.value);
  if (is_valid(s.mask)) {
    node.mask = exprs_.value(s.mask);
    node.mask_is_vector = exprs_.is_vector(s.mask);
  }
  node.lanes = kernel_.type_of(s.value).lanes;
  for (ExprId index : s.indices) node.lanes = std::max<int>(node.lanes, kernel_.type_of(index).lanes);
  exprs_.close();
}

void KernelCompiler::check_copy(const Copy &s) {
  const auto check = [&](ExprId id) {
    if (!is_valid(id)) return;
    for (VarId var : vars_of(kernel_, id))
      for (size_t i = 0; i < kernel_.stmt_count(); ++i) {
        const auto *loop = std::get_if<For>(&kernel_.stmt(static_cast<StmtId>(i)));
        if (loop && loop->var == var && is_worker_loop(loop->kind) && out_.has_workers)
          exprs_.fail(ErrorCode::kInvalidInput, "a copy depends on worker variable `" + kernel_.var(var).name + "`");
      }
  };
  for (ExprId id : s.dst_indices) check(id);
  for (ExprId id : s.src_indices) check(id);
  check(s.guard);
  check(s.other);
}

void KernelCompiler::copy(Node &node, const Copy &s) {
  node.kind = Node::Kind::kCopy;
  node.together = is_shared(kernel_.buffer(s.dst)) || kernel_.buffer(s.dst).level == MemoryLevel::kFar;
  if (node.together) check_copy(s);
  if (kernel_.buffer(s.dst).element != kernel_.buffer(s.src).element)
    exprs_.fail(ErrorCode::kInternal, "a copy between buffers of different element types");
  CopyLoops &copy = node.copy;
  copy.axes.resize(s.axes.size());
  for (size_t i = 0; i < s.axes.size(); ++i) {
    exprs_.open(copy.axes[i].each);
    copy.axes[i].var = exprs_.bind(s.axes[i].var);
  }
  exprs_.open(copy.guard_code);
  if (is_valid(s.guard)) copy.guard = exprs_.value(s.guard);
  if (is_valid(s.guard)) copy.other = exprs_.value(s.other);
  exprs_.open(copy.dst_code);
  copy.dst = exprs_.access(s.dst, s.dst_indices);
  exprs_.close();
  exprs_.open(copy.src_code);
  copy.src = exprs_.access(s.src, s.src_indices);
  for (size_t i = 0; i < s.axes.size() + 2; ++i) exprs_.close();
}

void KernelCompiler::alloc(Node &node, BufferId buffer) {
  node.kind = Node::Kind::kAlloc;
  node.access.buffer = buffer;
  node.together = is_shared(kernel_.buffer(buffer));
}

void KernelCompiler::move(Node &node, const FragmentMove &s) {
  node.kind = Node::Kind::kMove;
  node.together = true;
  node.move = s;
  exprs_.open(node.before);
  node.access = exprs_.access(s.buffer, s.indices);
  exprs_.close();
  const size_t rank = node.access.indices.size();
  if (rank < 2) return exprs_.fail(ErrorCode::kInternal, "a fragment is moved to or from a buffer of one dimension");
  if (kernel_.buffer(s.fragment).element != kernel_.buffer(s.buffer).element)
    exprs_.fail(ErrorCode::kInternal, "a fragment is moved to or from a buffer of another element type");
  Slot &row = node.access.indices[rank - 2].slot;
  Slot &column = node.access.indices[rank - 1].slot;
  node.begin = row;
  node.end = column;
  node.row = row = exprs_.allocate(sizeof(int64_t));
  node.column = column = exprs_.allocate(sizeof(int64_t));
}

} // namespace

Result<CompiledKernel> compile(std::shared_ptr<const Kernel> kernel, Precision precision) {
  CompiledKernel out;
  out.kernel = std::move(kernel);
  out.precision = precision;
  SPARKLE_TRY_STATUS(KernelCompiler(out).run());
  return out;
}

} // namespace sparkle::reference
