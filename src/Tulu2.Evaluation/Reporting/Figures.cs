using System.Globalization;

namespace Tulu2.Evaluation.Reporting;

/// <summary>Numbers for people.</summary>
internal static class Figures
{
    public static string Count(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    public static string Loss(double? value) => value is { } v ? v.ToString("0.0000", CultureInfo.InvariantCulture) : "–";

    /// <summary>A share of 1 as a percentage with one digit.</summary>
    public static string Percent(double? share) => share is { } s ? (100 * s).ToString("0.0", CultureInfo.InvariantCulture) + " %" : "–";

    public static string Duration(double seconds) => seconds switch
    {
        < 60 => seconds.ToString("0.0", CultureInfo.InvariantCulture) + " s",
        < 3600 => FormattableString.Invariant($"{(int)seconds / 60} min {(int)seconds % 60:00} s"),
        _ => FormattableString.Invariant($"{(long)seconds / 3600} h {(long)seconds % 3600 / 60:00} min"),
    };
}
