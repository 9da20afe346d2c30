using Spectre.Console;
using Tulu2.Cli.Shell;
using Xunit;

namespace Tulu2.Tests.Cli;

public sealed class TerminalTests
{
    [Theory]
    [InlineData(40)]
    [InlineData(80)]
    public void A_remark_takes_the_bar_below_it_away_and_is_not_folded(int width)
    {
        var said = "left out: /a/path/" + new string('x', 200) + "/rows.jsonl:17: a reason of several words";
        var written = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(written),
        });
        console.Profile.Width = width;
        console.Write(new Remark(said));
        Assert.Equal("\u001b[J" + said + "\n", written.ToString().ReplaceLineEndings("\n"));
    }

    [Fact]
    public void A_remark_in_a_log_is_its_plain_line()
    {
        var error = new StringWriter();
        new Terminal(TextReader.Null, TextWriter.Null, error, isInteractive: false).Say("left out: rows.jsonl:17");
        Assert.Equal("left out: rows.jsonl:17", error.ToString().TrimEnd());
    }
}
