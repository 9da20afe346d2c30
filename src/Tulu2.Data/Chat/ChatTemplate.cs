namespace Tulu2.Data.Chat;

/// <summary>The template for other programs.</summary>
public static class ChatTemplate
{
    /// <summary>
    /// <see cref="ChatEncoder"/>'s text as a Jinja template of Hugging Face's kind. As in the released TÜLU 2 models the beginning token is not in it: a
    /// tokenizer puts it before the rendered text, and after one that is written out it would leave out the word boundary. The template holds no line break of
    /// its own, so that it does not depend on how a renderer trims blocks.
    /// </summary>
    public const string Jinja =
        "{% for message in messages %}"
        + "{% if message['role'] not in ['system', 'user', 'assistant'] %}"
        + "{{ raise_exception('a turn is of system, user or assistant, not of ' + message['role']) }}{% endif %}"
        + "{% set content = message['content'] | trim %}"
        + "{% if message['role'] == 'assistant' %}"
        + @"{{ '<|assistant|>\n' + content + eos_token }}{% if not loop.last or add_generation_prompt %}{{ '\n' }}{% endif %}"
        + "{% elif loop.last and not add_generation_prompt %}"
        + @"{{ ('<|' + message['role'] + '|>\n' + content) | trim }}"
        + "{% else %}"
        + @"{{ '<|' + message['role'] + '|>\n' + content + '\n' }}"
        + "{% endif %}{% endfor %}"
        + @"{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}";
}
