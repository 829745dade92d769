#include "tests/unit/import/value_cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>

#include "compiler/import/import.h"
#include "compiler/ir/verifier.h"
#include "runtime/element.h"
#include "targets/reference/interpreter.h"
#include "tests/unit/dsl/dsl_fixture.h"

namespace sparkle {
namespace {

void read_values(const std::string &line, std::map<std::string, std::vector<double>> &values) {
  std::istringstream words(line);
  std::string name, word;
  words >> name >> word;
  ASSERT_EQ(word, "=") << line;
  std::vector<double> &list = values[name];
  for (; words >> word;) list.push_back(std::strtod(word.c_str(), nullptr));
}

void read_line(const std::string &line, ValueCase &test) {
  if (line.starts_with("// bind:")) {
    test.runs.push_back({dsl::parse_request(line.substr(8)), {}, {}});
    return;
  }
  const bool given = line.starts_with("// given: "), gives = line.starts_with("// gives: ");
  if ((given || gives) && !test.runs.empty())
    read_values(line.substr(10), given ? test.runs.back().given : test.runs.back().gives);
  else
    test.text += line + "\n";
}

/// Everything that a run needs, by name.
class Run {
public:
  Run(const Program &program, const dsl::BoundKernel &bound, const ValueRun &run)
      : program_(program), bound_(bound), run_(run) {}

  void check() {
    fill_scalars();
    fill_tensors();
    const Status status = reference::interpret(program_, far_, values_);
    ASSERT_TRUE(status) << status.error().text;
    for (const auto &[name, wanted] : run_.gives) compare(name, wanted);
  }

private:
  void fill_scalars() {
    for (const Symbol &symbol : program_.symbols) {
      ASSERT_TRUE(run_.given.contains(symbol.name)) << "no value for " << symbol.name;
      values_.symbols.push_back(static_cast<int64_t>(run_.given.at(symbol.name).at(0)));
    }
    for (size_t i = 0; i < program_.uniforms.size(); ++i) {
      const Uniform &uniform = program_.uniforms[static_cast<UniformId>(i)];
      const auto given = run_.given.find(uniform.name);
      const dsl::ExprId fallback = bound_.scalars[static_cast<dsl::ScalarId>(i)].default_value;
      ASSERT_TRUE(given != run_.given.end() || is_valid(fallback)) << "no value for " << uniform.name;
      double value = 0;
      if (given != run_.given.end())
        value = given->second.at(0);
      else {
        const auto literal = std::get<dsl::Literal>(bound_.exprs[fallback].expr);
        value = is_float(uniform.type) ? literal.number : static_cast<double>(literal.whole);
      }
      uint64_t bits = 0;
      store_element(&bits, uniform.type, value);
      values_.uniforms.push_back(bits);
    }
  }

  void fill_tensors() {
    for (size_t t = 0; t < program_.tensors.size(); ++t) {
      const auto id = static_cast<TensorId>(t);
      const Tensor &tensor = program_.tensors[id];
      if (tensor.role == Role::kWorkspace || tensor.role == Role::kPacked) continue;
      const auto bytes = reference::bytes_of(tensor, values_.symbols);
      ASSERT_TRUE(bytes) << bytes.error().text;
      std::vector<std::byte> &memory = memory_[tensor.name];
      memory.assign(static_cast<size_t>(*bytes), std::byte{0x5A});
      const size_t size = static_cast<size_t>(bytes_of(tensor.element));
      if (tensor.role != Role::kOutput) {
        const auto data = run_.given.find(tensor.name);
        const std::vector<double> given = data == run_.given.end() ? std::vector<double>() : data->second;
        ASSERT_EQ(given.size() * size, memory.size()) << tensor.name;
        for (size_t i = 0; i < given.size(); ++i) store_element(memory.data() + i * size, tensor.element, given[i]);
      }
      far_[id] = {memory.data(), *bytes};
    }
  }

  void compare(const std::string &name, const std::vector<double> &wanted) {
    const auto at = std::find_if(program_.tensors.begin(), program_.tensors.end(),
                                 [&](const Tensor &tensor) { return tensor.name == name; });
    ASSERT_TRUE(at != program_.tensors.end()) << name;
    const std::vector<std::byte> &memory = memory_.at(name);
    const size_t size = static_cast<size_t>(bytes_of(at->element));
    ASSERT_EQ(memory.size() / size, wanted.size()) << name;
    for (size_t i = 0; i < wanted.size(); ++i) {
      std::vector<std::byte> rounded(size);
      store_element(rounded.data(), at->element, wanted[i]);
      const double exact = load_element(rounded.data(), at->element);
      const double seen = load_element(memory.data() + i * size, at->element);
      EXPECT_TRUE(seen == exact || (std::isnan(seen) && std::isnan(exact)))
          << name << " [" << i << "] is " << seen << ", not " << exact;
    }
  }

  const Program &program_;
  const dsl::BoundKernel &bound_;
  const ValueRun &run_;
  reference::RunValues values_;
  std::map<std::string, std::vector<std::byte>> memory_;
  std::unordered_map<TensorId, reference::FarMemory> far_;
};

} // namespace

ValueCase read_value_case(const std::string &name, const std::string &text) {
  ValueCase test{name, {}, {}};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) read_line(line, test);
  return test;
}

std::vector<ValueCase> read_value_cases(const std::string &text) {
  std::vector<ValueCase> cases;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("//// "))
      cases.push_back({line.substr(5), {}, {}});
    else if (!cases.empty())
      read_line(line, cases.back());
  }
  return cases;
}

void check_value_case(const ValueCase &test) {
  for (const ValueRun &run : test.runs) {
    dsl::FrontEnd front(test.text, run.sizes);
    ASSERT_TRUE(front.bound) << test.text << front.errors();
    const auto program = import_kernel(*front.bound, {false});
    ASSERT_TRUE(program) << program.error().text;
    const Status verified = verify(*program);
    ASSERT_TRUE(verified) << verified.error().text;
    Run(*program, *front.bound, run).check();
  }
}

} // namespace sparkle
