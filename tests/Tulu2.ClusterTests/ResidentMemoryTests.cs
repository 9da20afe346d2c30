using Tulu2.ClusterTests.Processes;
using Xunit;

namespace Tulu2.ClusterTests;

/// <summary>The plan's memory against the resident memory of real ranks, in a process of its own.</summary>
public sealed class ResidentMemoryTests
{
    [Theory]
    [InlineData("sft", "fp32", true)]
    [InlineData("sft", "bf16", false)]
    [InlineData("dpo", "fp32", true)]
    [InlineData("sft", "bf16", false, "--lora", "32")]
    [InlineData("dpo", "fp32", true, "--lora", "32", "--quantize", "nf4")]
    public async Task What_a_rank_needs_is_what_the_plan_says(string objective, string precision, bool recompute, params string[] adapters)
    {
        if (!OperatingSystem.IsLinux()) return;
        var folder = Directory.CreateTempSubdirectory("tulu2-memory-");
        try
        {
            // Of a model beside adapters that is large enough to be seen the plan is right within 5 percent.
            var (width, off) = adapters.Length == 0 ? ("384", 0.15) : ("768", 0.05);
            string[] flags =
            [
                "--layers", adapters.Length == 0 ? "4" : "8", "--hidden", width, "--heads", "8", "--kv-heads", "4", "--ffn", adapters.Length == 0 ? "1024" : "2048", "--vocabulary", "8192", "--sequences", "4",
                "--length", "256",
            ];
            var result = await TuluProcess.RunJsonAsync(folder.FullName,
                ["bench", "memory", "--objective", objective, "--precision", precision, .. recompute ? ["--recompute"] : Array.Empty<string>(), .. adapters, .. flags]);
            Assert.InRange(result.GetProperty("ratio").GetDouble(), 1 - off, 1 + off);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
