using System.Text.Json;
using Tulu2.Mixtures.Building;
using Tulu2.Mixtures.Splitting;
using Xunit;

namespace Tulu2.Tests.Mixtures;

/// <summary>In <c>parity</c> the rows have the bytes that the original scripts wrote of the same inputs (Golden/mixtures/README.md).</summary>
public class OriginalOutputTests
{
    private static readonly string[] Golden = ["tests", "Tulu2.Tests", "Golden", "mixtures"];

    private sealed record Split(int Most, int[] Costs, int[][] Parts);

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public void A_mixture_is_the_originals_byte_for_byte(string name)
    {
        using var folder = new MixtureFolder();
        var recipe = Checkout.Path([.. Golden, $"{name}.yaml"]);
        new MixtureBuilder(new MixtureRequest(recipe, [], folder.To("out"), 2)).Run(CancellationToken.None);
        Assert.Equal(File.ReadAllText(Checkout.Path([.. Golden, $"{name}.expected.jsonl"])), string.Concat(folder.Rows().Select(row => row + "\n")));
    }

    [Fact]
    public void The_filter_removes_what_the_originals_does()
    {
        using var folder = new MixtureFolder();
        new MixtureBuilder(new MixtureRequest(Checkout.Path([.. Golden, "v2.yaml"]), ["filters=[]"], folder.To("out"), 2)).Run(CancellationToken.None);
        var expected = File.ReadLines(Checkout.Path([.. Golden, "v2.expected.jsonl"])).ToHashSet();
        Assert.Equal(File.ReadLines(Checkout.Path([.. Golden, "v2.removed.jsonl"])), folder.Rows().Where(row => !expected.Contains(row)));
    }

    [Fact]
    public void Conversations_are_cut_where_the_original_cuts_them()
    {
        var cases = File.ReadLines(Checkout.Path([.. Golden, "splits.jsonl"]))
            .Select(line => JsonSerializer.Deserialize<Split>(line, JsonSerializerOptions.Web)!).ToList();
        foreach (var (most, costs, parts) in cases)
            Assert.Equal(parts.Select(part => new ConversationPart(part[0], part[1])), ConversationSplitter.AsOriginal(costs, most));
        // What the right form changes is among them.
        Assert.Contains(cases, one => ConversationSplitter.Whole(one.Costs, one.Most).Count > one.Parts.Length);
    }
}
