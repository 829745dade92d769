"""`sparklec emit` and `explain`: every stage, for machines that are not here."""
import sparklec
from sparklec import CommandTest, MATMUL, SIZES, NO_VULKAN

FIXTURES = ("avx2", "cascadelake", "zen4", "spr", "h100", "lavapipe", "generic_gpu")


class Emit(CommandTest):
    def setUp(self):
        super().setUp()
        self.program = self.write("m.spk", MATMUL)

    def emit(self, stage, *words):
        return self.sparklec("emit", self.program, *SIZES, "--stage", stage, *words, env=NO_VULKAN).stdout

    def test_text_is_the_fixed_point_of_itself(self):
        text = self.sparklec("emit", self.program, "--stage", "ast").stdout
        self.assertEqual(self.sparklec("emit", self.write("again.spk", text), "--stage", "ast").stdout, text)

    def test_front_stages(self):
        self.assertIn("dim K = 5", self.emit("bound"))
        self.assertIn("kernel @", self.emit("ir"))
        self.assertEqual(self.emit("ir"), self.sparklec("emit", self.program, *SIZES).stdout)

    def test_passes_for_any_machine(self):
        for machine in FIXTURES:
            texts = {stage: self.emit(stage, "--target-info", machine) for stage in ("ir:place", "ir:tile", "ir:flatten")}
            self.assertEqual(len(set(texts.values())), 3, machine)

    def test_schedule_is_taken_back(self):
        for machine in ("zen4", "h100"):
            self.emit("schedule", "--target-info", machine, "-o", "m.schedule")
            with_file = self.emit("ir:flatten", "--target-info", machine, "--schedule", "m.schedule")
            self.assertEqual(with_file, self.emit("ir:flatten", "--target-info", machine), machine)

    def test_shaders_need_no_gpu(self):
        text = self.emit("glsl", "--target-info", "h100")
        self.assertIn("void main()", text)
        self.assertEqual(text, self.emit("glsl", "--target-info", "h100"))
        done = self.sparklec("emit", self.program, *SIZES, "--stage", "glsl", env=NO_VULKAN)
        self.assertIn("generic_gpu", done.stderr)
        self.emit("spirv", "--target-info", "h100", "-o", "m.spv")
        self.assertEqual(self.read("m.spv")[:4], b"\x03\x02\x23\x07")

    def test_code_for_the_cpu(self):
        listed = self.sparklec("devices", env=NO_VULKAN).stdout
        if "left out: target llvm" in listed:
            self.skipTest(listed)
        done = self.emit("llvm")
        self.assertIn("define", done)
        self.assertIn("ret", self.emit("asm"))

    def test_explain(self):
        for machine in ("zen4", "h100"):
            text = self.sparklec("explain", self.program, *SIZES, "--target-info", machine, env=NO_VULKAN).stdout
            for word in ("schedule chosen", "predicted", "bound by", "working set", "number 2 lost: ", "target"):
                self.assertIn(word, text)
        self.emit("schedule", "--target-info", "zen4", "-o", "m.schedule")
        text = self.sparklec("explain", self.program, *SIZES, "--target-info", "zen4", "--schedule", "m.schedule").stdout
        self.assertIn("schedule of the file", text)

    def test_explain_shows_shared_reductions(self):
        sizes = ("-D", "M=1", "-D", "N=1", "-D", "K=65536")
        text = self.sparklec("explain", self.program, *sizes, "--target-info", "zen4", env=NO_VULKAN).stdout
        for word in ("2 launches", "split_reduction", ".part"):
            self.assertIn(word, text)


if __name__ == "__main__":
    sparklec.main()
