using System.Text.RegularExpressions;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Files;

public sealed class NumberTextTests
{
    [Theory]
    [InlineData(0.4625, 1, "46.3 %")]
    [InlineData(0.4635, 1, "46.4 %")]
    [InlineData(0.0365, 1, "3.7 %")]
    [InlineData(0.00125, 2, "0.13 %")]
    [InlineData(0.125, 0, "13 %")]
    [InlineData(1, 1, "100.0 %")]
    [InlineData(0, 1, "0.0 %")]
    [InlineData(double.NaN, 1, "NaN %")]
    [InlineData(double.PositiveInfinity, 1, "Infinity %")]
    public void A_half_is_rounded_away_from_zero_as_it_is_on_paper(double share, int digits, string text) => Assert.Equal(text, NumberText.Percent(share, digits));

    [Fact]
    public void A_loss_is_rounded_by_the_same_rule()
    {
        Assert.Equal("0.0313", NumberText.Loss(0.03125));
        Assert.Equal("–", NumberText.Loss(null));
        Assert.Equal("NaN", NumberText.Loss(double.NaN));
    }

    [Fact]
    public void Nothing_else_rounds_percentages()
    {
        var own = new Regex(@":F\d\} ?%|:P\d|ToString\(""P|100(\.0)? \* [^}]*:F");
        var files = Checkout.Sources("src").ToList();
        Assert.NotEmpty(files);
        Assert.DoesNotContain(files, file => own.IsMatch(File.ReadAllText(file)));
    }

    [Theory]
    [InlineData(0, "0 ranks")]
    [InlineData(1, "1 rank")]
    [InlineData(1200, "1,200 ranks")]
    public void One_thing_is_no_plural(int number, string text) => Assert.Equal(text, NumberText.Count(number, "rank"));

    [Fact]
    public void A_plural_may_be_a_word_of_its_own() => Assert.Equal(("1 entry", "2 entries"), (NumberText.Count(1, "entry", "entries"), NumberText.Count(2, "entry", "entries")));
}
