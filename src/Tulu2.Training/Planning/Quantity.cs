using System.Globalization;
using System.Text.RegularExpressions;
using Tulu2.Files;

namespace Tulu2.Training.Planning;

/// <summary>Numbers with a unit, as people write and read them: <c>80GiB</c>, <c>200 GB/s</c>, <c>150T</c>.</summary>
public static partial class Quantity
{
    private static readonly string[] Binary = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    private static readonly Dictionary<string, double> Factors = new(StringComparer.OrdinalIgnoreCase)
    {
        [""] = 1,
        ["k"] = 1e3,
        ["M"] = 1e6,
        ["G"] = 1e9,
        ["T"] = 1e12,
        ["P"] = 1e15,
        ["Ki"] = 1024,
        ["Mi"] = 1048576,
        ["Gi"] = 1073741824,
        ["Ti"] = 1099511627776,
    };

    // A bare number below is one whose unit was forgotten: nothing that is planned has so few bytes, or operations a second.
    private const double FewestWithoutUnit = 1 << 20;

    /// <param name="flag">Named in the error.</param>
    /// <param name="text">A number, an optional prefix (k M G T P, Ki Mi Gi Ti), an optional unit (B, B/s, bit/s, FLOP/s), which only bits change.</param>
    /// <exception cref="BadInputException">Not a positive quantity, or one that can only be meant with a unit.</exception>
    public static double Parse(string flag, string text)
    {
        var match = Form().Match(text.Trim());
        if (!match.Success || !double.TryParse(match.Groups[1].Value, CultureInfo.InvariantCulture, out var value) || !(value > 0) || !double.IsFinite(value))
            throw new BadInputException($"{flag} {text}", "is not a positive quantity", "write, say, 80GiB, 200GB/s, 400Gbit/s or 150T");
        if (match.Groups[2].Length + match.Groups[3].Length == 0 && value < FewestWithoutUnit)
            throw new BadInputException($"{flag} {text}", "has no unit, and without one says next to nothing", $"write {text}GiB for memory, {text}GB/s for a rate, {text}T for operations a second");
        return value * Factors[match.Groups[2].Value] / (match.Groups[3].Value.StartsWith("bit", StringComparison.OrdinalIgnoreCase) ? 8 : 1);
    }

    /// <summary>Three digits and a binary unit.</summary>
    public static string Bytes(double bytes)
    {
        var unit = 0;
        for (; bytes >= 1024 && unit < Binary.Length - 1; unit++) bytes /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{Digits(bytes)} {Binary[unit]}");
    }

    /// <summary>Milliseconds, seconds, minutes or hours, whichever reads best.</summary>
    public static string Seconds(double seconds) => seconds switch
    {
        < 1 => $"{Digits(1e3 * seconds)} ms",
        < 120 => $"{Digits(seconds)} s",
        < 7200 => $"{Digits(seconds / 60)} min",
        _ => $"{Digits(seconds / 3600)} h",
    };

    private static string Digits(double value) =>
        value.ToString(value >= 100 || value == Math.Floor(value) ? "F0" : value >= 10 ? "F1" : "F2", CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^([0-9.eE+-]+?)\s*([kmgtp]i?|)(bytes|bit|b|flops|flop|)(/s|)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
