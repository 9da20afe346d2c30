using Spectre.Console;
using Spectre.Console.Rendering;

namespace Tulu2.Cli.Shell;

/// <summary>Text as it is, in a colour. Only its own line breaks are written, so that it can be copied whole.</summary>
internal sealed class RawText(string text, Style style) : Renderable
{
    protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => [new Segment(text, style)];
}
