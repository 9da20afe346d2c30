using System.Globalization;
using System.Text.RegularExpressions;
using Tulu2.Files;

namespace Tulu2.Training.Planning;

/// <summary>Parses and formats numbers with a unit: <c>80GiB</c>, <c>200 GB/s</c>, <c>150T</c>.</summary>
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

    // In a smaller bare number the unit was forgotten: no planned quantity has so few bytes or operations per second.
    private const double FewestWithoutUnit = 1 << 20;

    /// <summary>Bytes, bytes per second or operations per second; bits are converted to bytes, other units do not change the value.</summary>
    /// <param name="flag">Flag to name in an error.</param>
    /// <param name="text">A number, an optional prefix (k M G T P, Ki Mi Gi Ti) and an optional unit (B, B/s, bit/s, FLOP/s).</param>
    /// <exception cref="BadInputException">Not a positive quantity, or so small that a unit must be missing.</exception>
    public static double Parse(string flag, string text)
    {
        var match = Form().Match(text.Trim());
        if (!match.Success || !double.TryParse(match.Groups[1].Value, CultureInfo.InvariantCulture, out var value) || !(value > 0) || !double.IsFinite(value))
            throw new BadInputException($"{flag} {text}", "is not a positive quantity", "write, say, 80GiB, 200GB/s, 400Gbit/s or 150T");
        if (match.Groups[2].Length + match.Groups[3].Length == 0 && value < FewestWithoutUnit)
            throw new BadInputException($"{flag} {text}", "has no unit, and is too small without one", $"write {text}GiB for memory, {text}GB/s for a bandwidth, {text}T for operations per second");
        return value * Factors[match.Groups[2].Value] / (match.Groups[3].Value.StartsWith("bit", StringComparison.OrdinalIgnoreCase) ? 8 : 1);
    }

    /// <summary>Formats with about three digits and a binary unit.</summary>
    public static string Bytes(double bytes)
    {
        var unit = 0;
        for (; bytes >= 1024 && unit < Binary.Length - 1; unit++) bytes /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{Digits(bytes)} {Binary[unit]}");
    }

    /// <summary>Formats as milliseconds, seconds, minutes or hours, depending on the size.</summary>
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
