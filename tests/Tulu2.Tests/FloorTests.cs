using System.Reflection;
using Xunit;

namespace Tulu2.Tests;

/// <summary>The dependencies that each project may have (docs/architecture.md).</summary>
public class FloorTests
{
    // Compiled references are checked, so an unused project reference does not count.
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Tulu2.Files"] = [],
        ["Tulu2.Hub"] = ["Tulu2.Files"],
        ["Tulu2.Data"] = ["Tulu2.Files"],
        ["Tulu2.Mixtures"] = ["Tulu2.Files", "Tulu2.Data"],
        ["Tulu2.Collectives"] = [],
        ["Tulu2.Checkpoints"] = ["Tulu2.Files"],
        ["Tulu2.Protocol"] = ["Tulu2.Files", "Tulu2.Data", "Tulu2.Collectives", "Tulu2.Checkpoints"],
        ["Tulu2.Models"] = ["Tulu2.Files", "Tulu2.Data", "Tulu2.Collectives", "Tulu2.Checkpoints", "TorchSharp"],
        ["Tulu2.Training"] = ["Tulu2.Files", "Tulu2.Data", "Tulu2.Collectives", "Tulu2.Checkpoints", "Tulu2.Protocol", "Tulu2.Models", "TorchSharp"],
        ["Tulu2.Evaluation"] = ["Tulu2.Files", "Tulu2.Data", "Tulu2.Collectives", "Tulu2.Checkpoints", "Tulu2.Protocol", "Tulu2.Models", "Tulu2.Training", "TorchSharp"],
        ["Tulu2.Serving"] = ["Tulu2.Files", "Tulu2.Data", "Tulu2.Evaluation"],
        ["Tulu2.Cluster"] = ["Tulu2.Files", "Tulu2.Data", "Tulu2.Collectives", "Tulu2.Checkpoints", "Tulu2.Protocol", "Tulu2.Evaluation", "Akka"],
        ["Tulu2.Runs"] =
        [
            "Tulu2.Files", "Tulu2.Data", "Tulu2.Collectives", "Tulu2.Checkpoints", "Tulu2.Protocol", "Tulu2.Models", "Tulu2.Training", "Tulu2.Evaluation",
            "Tulu2.Cluster", "Tulu2.Hub",
        ],
        ["tulu2"] =
        [
            "Tulu2.Files", "Tulu2.Data", "Tulu2.Collectives", "Tulu2.Checkpoints", "Tulu2.Protocol", "Tulu2.Models", "Tulu2.Training", "Tulu2.Evaluation",
            "Tulu2.Cluster", "Tulu2.Hub", "Tulu2.Runs", "Tulu2.Mixtures", "Tulu2.Serving",
        ],
    };

    public static TheoryData<string> Floors => new(Allowed.Keys);

    [Theory]
    [MemberData(nameof(Floors))]
    public void A_floor_knows_only_the_floors_below_it(string floor)
    {
        var watched = Assembly.Load(floor).GetReferencedAssemblies().Select(a => a.Name!)
            .Where(name => name.StartsWith("Tulu2.", StringComparison.Ordinal) || name == "TorchSharp" || name.StartsWith("Akka", StringComparison.Ordinal))
            .Select(name => name.StartsWith("Akka", StringComparison.Ordinal) ? "Akka" : name);
        Assert.Empty(watched.Distinct().Except(Allowed[floor]));
    }
}
