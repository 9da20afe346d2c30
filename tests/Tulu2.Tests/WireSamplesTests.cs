using Xunit;

namespace Tulu2.Tests;

public class WireSamplesTests
{
    private sealed record Inner(int Number);

    private sealed record Outer(string Text, bool Flag, IReadOnlyList<Inner> Inners)
    {
        public bool Kept { get; init; } = true;
        public IReadOnlyList<string> Notes { get; init; } = [];
    }

    [Fact]
    public void A_property_that_every_sample_leaves_at_its_default_is_named() => Assert.Equal(
        ["Tulu2.Tests.WireSamplesTests+Inner.Number", "Tulu2.Tests.WireSamplesTests+Outer.Flag", "Tulu2.Tests.WireSamplesTests+Outer.Kept", "Tulu2.Tests.WireSamplesTests+Outer.Notes"],
        WireSamples.LeftAtDefault([new Outer("text", false, [new Inner(0)]), new Outer("", false, [])]));

    [Fact]
    public void One_sample_that_differs_is_enough() => Assert.Empty(WireSamples.LeftAtDefault(
        [new Outer("text", true, [new Inner(0), new Inner(1)]), new Outer("", false, []) { Kept = false, Notes = ["note"] }]));
}
