using Tulu2.ClusterTests.Processes;
using Xunit;

namespace Tulu2.ClusterTests;

/// <summary>The plan's memory against the resident memory of real ranks, in a process of its own.</summary>
public sealed class ResidentMemoryTests
{
    [Theory]
    [InlineData("sft", "fp32", false)]
    [InlineData("sft", "fp32", true)]
    [InlineData("sft", "bf16", false)]
    [InlineData("sft", "bf16", true)]
    [InlineData("dpo", "fp32", false)]
    [InlineData("dpo", "fp32", true)]
    [InlineData("dpo", "bf16", false)]
    [InlineData("dpo", "bf16", true)]
    [InlineData("sft", "bf16", false, "--lora", "32")]
    [InlineData("dpo", "fp32", true, "--lora", "32", "--quantize", "nf4")]
    public async Task What_a_rank_needs_is_within_15_percent_of_what_the_plan_says(string objective, string precision, bool recompute, params string[] adapters)
    {
        if (!OperatingSystem.IsLinux()) return;
        var folder = Directory.CreateTempSubdirectory("tulu2-memory-");
        try
        {
            string[] flags = ["--layers", "4", "--hidden", "384", "--heads", "8", "--kv-heads", "4", "--ffn", "1024", "--vocabulary", "8192", "--sequences", "4", "--length", "256"];
            var result = await TuluProcess.RunJsonAsync(folder.FullName,
                ["bench", "memory", "--objective", objective, "--precision", precision, .. recompute ? ["--recompute"] : Array.Empty<string>(), .. adapters, .. flags]);
            Assert.InRange(result.GetProperty("ratio").GetDouble(), 0.85, 1.15);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
