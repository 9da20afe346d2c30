using Tulu2.Data.Rows;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Settings;

namespace Tulu2.Mixtures.Filters;

/// <summary>Removes rows without anything to learn: no assistant turn has content. Not part of the original.</summary>
internal sealed class EmptyAnswersFilter : IRowFilter
{
    public string Name => "empty_answers";

    public Func<IReadOnlyList<Message>, FilterVerdict> Begin(Section keys, MixtureMode mode) =>
        messages => messages.Any(message => message.IsAnswer) ? default : new FilterVerdict("no answer has content", null);
}
