using Spectre.Console.Rendering;

namespace Tulu2.Cli.Shell;

/// <summary>
/// A line that is said while a bar may be drawn. It goes out whole, so that what a person copies has no line ends but its own: the terminal folds it.
/// A bar stands where the line begins, and is only written over: all of it is taken away first.
/// </summary>
internal sealed class Remark(string text) : Renderable
{
    private const string EraseBelow = "\u001b[J";

    protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
        [Segment.Control(EraseBelow), new Segment(text), Segment.LineBreak];
}
