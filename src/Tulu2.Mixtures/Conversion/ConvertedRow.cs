using Tulu2.Data.Rows;

namespace Tulu2.Mixtures.Conversion;

/// <summary>A row in the released form, before filters.</summary>
/// <param name="Id">What stands in front of a number that counts the source's rows where <paramref name="IsNumbered"/>; else the whole id.</param>
/// <param name="IsNumbered">The id ends in the row's number within the source, which is known only once all rows before it are.</param>
internal sealed record ConvertedRow(string Dataset, string Id, IReadOnlyList<Message> Messages, bool IsNumbered = false);
