using System.Globalization;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests.Processes;

/// <summary>Randomness that a failed test can be run with again: TULU2_TEST_SEED, or a new seed; the log names it.</summary>
internal static class TestSeed
{
    private const string Variable = "TULU2_TEST_SEED";

    public static Random Random(ITestOutputHelper log)
    {
        var seed = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given
            ? int.Parse(given, CultureInfo.InvariantCulture)
            : System.Random.Shared.Next();
        log.WriteLine($"{Variable}={seed}");
        return new Random(seed);
    }
}
