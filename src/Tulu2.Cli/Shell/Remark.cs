using Spectre.Console.Rendering;

namespace Tulu2.Cli.Shell;

/// <summary>
/// A line printed while a progress bar may be drawn. It is written whole, so that a copy of it has no line breaks of the terminal's.
/// The bar starts where the line starts, and the line may be shorter: the bar is erased first.
/// </summary>
internal sealed class Remark(string text) : Renderable
{
    private const string EraseBelow = "\u001b[J";

    protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
        [Segment.Control(EraseBelow), new Segment(text), Segment.LineBreak];
}
