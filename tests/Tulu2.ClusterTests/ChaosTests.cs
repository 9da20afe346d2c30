using Tulu2.ClusterTests.Processes;
using Xunit;

namespace Tulu2.ClusterTests;

/// <summary><c>tulu2 chaos</c>, as on a new machine.</summary>
public sealed class ChaosTests
{
    [Fact]
    public async Task Killed_stopped_and_slowed_down_a_run_ends_with_its_bits_and_each_fault_is_told_with_what_it_cost()
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("sft", "fp32", 40, 10);
        var faults = small.Folder("faults.yaml");
        File.WriteAllText(faults, """
            faults:
              - { kill: worker, at: 5 }
              - { kill: coordinator, at: 11 }
              - { stop: worker, for: 0.4s, at: 17 }
              - { slow: worker, for: 1s, at: 21 }
              - { terminate: worker, at: 26 }
              - { kill: launcher, at: 31 }
            """);
        var result = await TuluProcess.RunJsonAsync(small.Cache, "chaos", recipe, "parallel.data=2", "--faults", faults, "--run", small.Folder("chaos"));

        var run = Assert.Single(result.GetProperty("runs").EnumerateArray());
        foreach (var verdict in new[] { "passed", "ended", "same_bits", "ledger_sound" }) Assert.True(run.GetProperty(verdict).GetBoolean(), $"{result}");
        Assert.Equal(
            ["kill worker", "kill coordinator", "stop worker", "slow worker", "terminate worker", "kill launcher"],
            run.GetProperty("faults").EnumerateArray().Select(fault => fault.GetProperty("what").GetString()));
        Assert.All(run.GetProperty("faults").EnumerateArray(), fault => Assert.True(fault.GetProperty("to_commit").GetDouble() > 0, $"{fault}"));
        Assert.Equal(1, run.GetProperty("resumes").GetInt32());
        // Only what the launcher takes along is made again, and its coordinator writes the checkpoint of the step first.
        Assert.Equal(0, run.GetProperty("replayed").GetInt32());
    }
}
