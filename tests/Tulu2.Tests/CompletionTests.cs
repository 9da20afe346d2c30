using System.Text.RegularExpressions;
using Xunit;

namespace Tulu2.Tests;

/// <summary>Who completes a task may be second: the other one, a signal or the end of the process, was faster.</summary>
public partial class CompletionTests
{
    [Fact]
    public void No_completion_is_demanded_where_it_can_be_tried()
    {
        var demanded = Checkout.Sources("src").Where(file => Demand().IsMatch(File.ReadAllText(file)));
        Assert.Empty(demanded);
    }

    [GeneratedRegex(@"\.Set(Result|Exception|Canceled)\b")]
    private static partial Regex Demand();
}
