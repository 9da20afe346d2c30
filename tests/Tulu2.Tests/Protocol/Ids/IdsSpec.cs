using System.Globalization;
using Tulu2.Protocol.Ids;
using Xunit;

namespace Tulu2.Tests.Protocol.Ids;

/// <summary>Ids are numbers to read and print, and nothing but themselves to pass.</summary>
public sealed class IdsSpec
{
    public static TheoryData<Type> Kinds => [typeof(Rank), typeof(Generation), typeof(Incarnation), typeof(StepNumber), typeof(SlotNumber)];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void An_id_becomes_a_number_by_itself_and_nothing_becomes_an_id_by_itself(Type kind)
    {
        var conversions = kind.GetMethods().Where(method => method.Name is "op_Implicit" or "op_Explicit").ToList();
        var only = Assert.Single(conversions);
        Assert.Equal(kind, Assert.Single(only.GetParameters()).ParameterType);
        Assert.Equal(kind.GetProperty("Value")!.PropertyType, only.ReturnType);
    }

    [Fact]
    public void An_id_is_written_as_the_bare_number()
    {
        var (generation, step) = (new Generation(1L << 40), new StepNumber(12345));
        Assert.Equal("rank 3, 1099511627776, -1, step 12345, 0", $"rank {new Rank(3)}, {generation}, {Generation.None}, step {step}, {new SlotNumber(0)}");
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"{1L << 32}"), $"{new Incarnation(1L << 32)}");
    }

    [Fact]
    public void Ids_are_ordered_as_their_numbers()
    {
        Assert.Equal([new Rank(0), new Rank(2), new Rank(10)], new[] { new Rank(10), new Rank(0), new Rank(2) }.Order());
        Assert.Equal(new StepNumber(10), new[] { new StepNumber(9), new StepNumber(10) }.Max());
        Assert.True(new StepNumber(2) < new StepNumber(10) && new StepNumber(2) <= 2 && new Generation(1).Next() > new Generation(1));
    }
}
