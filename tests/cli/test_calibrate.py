"""`calibrate`: the bounds of the method hold, or the machine is said not to be quiet; a machine that others use is."""
import json
import os
import subprocess
import sys

from harness import CliTest, inferometer, main, schema
import jsonschema


class Calibrate(CliTest):
    def test_bounds_hold_or_the_machine_is_said_to_be_busy(self):
        done = inferometer("calibrate", "--json")
        found = json.loads(done.stdout)
        jsonschema.validate(found, schema("calibrate"))
        self.assertTrue(found["within_bounds"] or not found["quiet"], found)
        self.assertEqual(done.returncode, 0)
        truth = found["loopback"]
        self.assertGreater(truth["receive_minus_send_ns"]["p50"], 0, "nothing is received before it is sent")
        self.assertEqual(truth["receive_minus_send_ns"]["n"], 16 * truth["requests"])
        self.assertLess(found["overhead_ns_per_token"], 1e6)

    def test_a_machine_that_others_use_is_not_called_quiet(self):
        burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
        try:
            found = json.loads(inferometer("calibrate", "--attempts", 1, "--json").stdout)
        finally:
            for burner in burners:
                burner.kill()
                burner.wait()
        self.assertFalse(found["quiet"], found["machine"])


if __name__ == "__main__":
    main()
