// Memory accesses of the interpreter, with their checks.
#include "targets/reference/machine.h"

#include <cstring>

#include "compiler/support/string_builder.h"

namespace sparkle::reference {
namespace {

void copy_element(std::byte *dst, const std::byte *src, int64_t bytes) {
  switch (bytes) {
  case 1: std::memcpy(dst, src, 1); break;
  case 2: std::memcpy(dst, src, 2); break;
  case 4: std::memcpy(dst, src, 4); break;
  default: std::memcpy(dst, src, static_cast<size_t>(bytes));
  }
}

} // namespace

bool Machine::offset(const Access &access, Worker &worker, int lane, int64_t &out) {
  const Shape &shape = shapes_[index_of(access.buffer)];
  int64_t sum = 0;
  for (size_t d = 0; d < access.indices.size(); ++d) {
    const Access::Index &index = access.indices[d];
    const int64_t i = at<int64_t>(worker, index.slot)[index.is_vector ? lane : 0];
    if (static_cast<uint64_t>(i) >= static_cast<uint64_t>(shape.extents[d])) {
      StringBuilder text;
      text << "index " << i << " of dimension " << d << " of `" << kernel().buffer(access.buffer).name
           << "` is outside its extent " << shape.extents[d];
      return fail(text.take());
    }
    sum += i * shape.strides[d];
  }
  out = sum;
  return true;
}

std::string Machine::place(BufferId buffer, int64_t offset) const {
  StringBuilder text;
  text << "element " << offset << " of `" << kernel().buffer(buffer).name << "`";
  return text.take();
}

bool Machine::element(BufferId buffer, Worker &worker, int64_t offset, Element &out) {
  const Buffer &info = kernel().buffer(buffer);
  const int64_t bytes = shapes_[index_of(buffer)].element_bytes;
  if (info.level == MemoryLevel::kFar) {
    const FarMemory &far = far_[index_of(buffer)];
    if (offset < 0 || (offset + 1) * bytes > far.bytes)
      return fail(place(buffer, offset) + " is outside the memory bound to it");
    out = {static_cast<std::byte *>(far.data) + offset * bytes, nullptr, nullptr};
    return true;
  }
  const LocalPlace &local = code_.locals[index_of(buffer)];
  if (offset < 0 || offset >= shapes_[index_of(buffer)].elements)
    return fail(place(buffer, offset) + " does not exist");
  if (info.level == MemoryLevel::kRegister && info.fragment == FragmentUse::kNone) {
    out = {worker.frame + local.data + offset * bytes, at<uint8_t>(worker, local.written) + offset, nullptr};
    return true;
  }
  NearMemory *near = *at<NearMemory *>(worker, local.data);
  if (!near) return fail("`" + info.name + "` is used outside of the block that allocates it");
  const auto i = static_cast<size_t>(offset);
  out = {near->data.data() + offset * bytes, &near->written[i], near->marks.empty() ? nullptr : &near->marks[i]};
  return true;
}

bool Machine::load(const Access &access, Worker &worker, int lane, std::byte *dst) {
  int64_t where = 0;
  Element element;
  if (!offset(access, worker, lane, where) || !this->element(access.buffer, worker, where, element)) return false;
  if (element.written && !*element.written)
    return fail(place(access.buffer, where) + " is read but was never stored to");
  if (element.mark && !note_read(*element.mark, worker, access.buffer, where)) return false;
  copy_element(dst, element.data, shapes_[index_of(access.buffer)].element_bytes);
  return true;
}

bool Machine::store(const Access &access, Worker &worker, int lane, const std::byte *src) {
  int64_t where = 0;
  Element element;
  if (!offset(access, worker, lane, where) || !this->element(access.buffer, worker, where, element)) return false;
  if (element.written) *element.written = 1;
  if (element.mark && !note_write(*element.mark, worker, access.buffer, where)) return false;
  copy_element(element.data, src, shapes_[index_of(access.buffer)].element_bytes);
  return true;
}

bool Machine::probe(const Access &access, Worker &worker, int lane) {
  int64_t where = 0;
  Element element;
  return offset(access, worker, lane, where) && this->element(access.buffer, worker, where, element);
}

// ---- Races
// -----------------------------------------------------------------------------------------------------------

/// Whether what a worker of `team` did at `tick` is over for `worker`: a barrier of the group, or of their team, came
/// since.
bool Machine::ordered(uint32_t tick, int32_t team, const Worker &worker) const {
  if (tick < group_barrier_) return true;
  const auto mine = static_cast<size_t>(worker.team);
  return team == worker.team && mine < team_barriers_.size() && tick < team_barriers_[mine];
}

bool Machine::conflict(BufferId buffer, int64_t offset, int32_t other, const Worker &worker, const char *what) {
  const auto who = [](int32_t number) {
    return number == Mark::kMany ? std::string("all workers") : "worker " + std::to_string(number);
  };
  return fail(place(buffer, offset) + " is " + what + " by " + who(worker.number) + " and touched by " + who(other) +
              " with no barrier between");
}

bool Machine::note_read(Mark &mark, const Worker &worker, BufferId buffer, int64_t offset) {
  if (mark.writer != Mark::kNobody && mark.writer != worker.number &&
      !ordered(mark.written_at, mark.writer_team, worker))
    return conflict(buffer, offset, mark.writer, worker, "read");
  // Reads that are over for this worker need no memory; the others join into "many".
  const bool over = mark.reader == Mark::kNobody || ordered(mark.read_at, mark.reader_team, worker);
  if (over || mark.reader == worker.number) {
    mark.reader = worker.number;
    mark.reader_team = worker.team;
  } else {
    mark.reader = Mark::kMany;
    if (mark.reader_team != worker.team) mark.reader_team = Mark::kMany;
  }
  mark.read_at = clock_;
  return true;
}

bool Machine::note_write(Mark &mark, const Worker &worker, BufferId buffer, int64_t offset) {
  if (mark.writer != Mark::kNobody && mark.writer != worker.number &&
      !ordered(mark.written_at, mark.writer_team, worker))
    return conflict(buffer, offset, mark.writer, worker, "written");
  const bool is_reader = mark.reader == worker.number && mark.reader != Mark::kMany;
  if (mark.reader != Mark::kNobody && !is_reader && !ordered(mark.read_at, mark.reader_team, worker))
    return conflict(buffer, offset, mark.reader, worker, "written");
  mark.writer = worker.number;
  mark.writer_team = worker.team;
  mark.written_at = clock_;
  return true;
}

void Machine::barrier(BarrierScope scope, int32_t team) {
  ++clock_;
  if (scope == BarrierScope::kGroup) {
    group_barrier_ = clock_;
    return;
  }
  const auto index = static_cast<size_t>(team);
  if (team_barriers_.size() <= index) team_barriers_.resize(index + 1, 0);
  team_barriers_[index] = clock_;
}

NearMemory &Machine::fresh_near(BufferId buffer, int32_t team) {
  auto &teams = near_[index_of(buffer)];
  const bool per_team = kernel().buffer(buffer).fragment != FragmentUse::kNone;
  const size_t index = per_team ? static_cast<size_t>(team) : 0;
  if (teams.size() <= index) teams.resize(index + 1);
  if (!teams[index]) teams[index] = std::make_unique<NearMemory>();
  NearMemory &near = *teams[index];
  const Shape &shape = shapes_[index_of(buffer)];
  const auto elements = static_cast<size_t>(shape.elements);
  near.data.assign(elements * static_cast<size_t>(shape.element_bytes), std::byte{0xFF});
  near.written.assign(elements, 0);
  // Marks stay: a buffer allocated once per iteration is the same memory each time.
  near.marks.resize(code_.has_workers && !per_team ? elements : 0);
  return near;
}

void Machine::reset_register(BufferId buffer, Worker &worker) {
  const LocalPlace &local = code_.locals[index_of(buffer)];
  std::memset(worker.frame + local.written, 0, static_cast<size_t>(local.elements));
}

} // namespace sparkle::reference
