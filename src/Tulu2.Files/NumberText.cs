using System.Globalization;

namespace Tulu2.Files;

/// <summary>Numbers as text for people, the same on a page, in a table and in a log: rounded in decimal, halves away from zero.</summary>
public static class NumberText
{
    public static string Count(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A number of things: 1 row, 1,200 rows.</summary>
    public static string Count(double value, string one, string? many = null) => $"{Count(value)} {(value == 1 ? one : many ?? one + "s")}";

    public static string Loss(double? value) => value is { } v ? Fixed(v, 4) : "–";

    /// <summary>A share (0 to 1) as a percentage; a dash for null.</summary>
    public static string Percent(double? share, int digits = 1) => share is { } s ? Fixed(100 * s, digits) + " %" : "–";

    public static string Duration(double seconds) => seconds switch
    {
        < 60 => Fixed(seconds, 1) + " s",
        < 3600 => FormattableString.Invariant($"{(int)seconds / 60} min {(int)seconds % 60:00} s"),
        _ => FormattableString.Invariant($"{(long)seconds / 3600} h {(long)seconds % 3600 / 60:00} min"),
    };

    /// <summary>A number with a fixed number of decimal places.</summary>
    /// <remarks>The formats F and 0.0 round halves differently, and neither treats 0.0365 as 3.65 %: its binary fraction is a little less.</remarks>
    public static string Fixed(double value, int digits)
    {
        const double most = 1e15;
        var format = "F" + digits.ToString(CultureInfo.InvariantCulture);
        return Math.Abs(value) < most
            ? decimal.Round((decimal)value, digits, MidpointRounding.AwayFromZero).ToString(format, CultureInfo.InvariantCulture)
            : value.ToString(format, CultureInfo.InvariantCulture);
    }
}
