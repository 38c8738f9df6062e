"""Which words together, and which fixed phrases, speak for a prompt injection, and how strongly."""

from __future__ import annotations

import re
from dataclasses import dataclass

from governance.guardrails.injection_words import Part as P


@dataclass(frozen=True, slots=True)
class Rule:
    """An opening word followed by one word of each need within `gap` words."""

    name: str
    weight: float
    opening: P
    needs: tuple[P, ...]
    gap: int
    indirect: bool = False
    order: bool = True  # False: the other words may stand before the opening too


@dataclass(frozen=True, slots=True)
class Phrase:
    """A fixed turn of phrase; `about` phrases speak against an injection."""

    name: str
    weight: float
    pattern: str
    indirect: bool = False


RULES = (
    Rule("override", 1.0, P.OVERRIDE, (P.RULES, P.EARLIER | P.YOURS | P.INNER), 8),
    Rule("override", 1.0, P.OVERRIDE, (P.SAFEGUARD, P.EARLIER | P.YOURS | P.ALL), 7),
    Rule("override", 0.75, P.OVERRIDE, (P.RULES, P.ALL), 5),
    Rule("override", 0.6, P.OVERRIDE, (P.RULES,), 3),
    Rule("override", 0.6, P.OVERRIDE, (P.SAFEGUARD,), 3),
    Rule("override-abroad", 1.0, P.ABROAD, (P.RULES,), 7, order=False),
    Rule("override-abroad", 0.7, P.ABROAD, (P.EARLIER, P.SAID | P.ALL), 6, order=False),
    Rule("lift", 0.8, P.LIFT, (P.SAFEGUARD, P.YOURS), 6),
    Rule("lift", 0.4, P.LIFT, (P.SAFEGUARD,), 5),
    Rule("disobey", 1.0, P.NEVER, (P.OBEY, P.YOURS | P.EARLIER | P.INNER, P.RULES | P.SAFEGUARD), 9),
    Rule("disobey", 0.6, P.NEVER, (P.OBEY, P.RULES | P.SAFEGUARD), 7),
    Rule("extract", 1.0, P.REVEAL, (P.INNER, P.PROMPT, P.YOURS), 9),
    Rule("extract", 0.9, P.REVEAL, (P.YOURS, P.PROMPT), 5),
    Rule("extract", 0.4, P.REVEAL, (P.INNER, P.PROMPT), 6),
    Rule("extract", 0.9, P.ASK, (P.YOURS, P.INNER, P.PROMPT), 7),
    Rule("extract", 0.5, P.ASK, (P.YOURS, P.PROMPT), 5),
    Rule("extract", 0.3, P.REVEAL, (P.YOURS, P.SECRET), 5),
    Rule("persona", 0.9, P.PERSONA, (P.FREE,), 14),
    Rule("freedom", 0.4, P.FREE, (P.MACHINE,), 6, order=False),
    Rule("vice", 0.25, P.VICE, (P.VICE,), 5),
    Rule("replace", 0.8, P.YOURS, (P.NEW, P.GOAL), 4),
    Rule("replace", 0.35, P.NEW, (P.RULES,), 2),
    Rule("exfiltrate", 0.55, P.SEND, (P.SECRET, P.PLACE), 22, indirect=True),
    Rule("reader", 0.5, P.MACHINE, (P.READING,), 4, indirect=True),
    Rule("reader", 0.3, P.READING, (P.MACHINE,), 6, indirect=True),
    Rule("conceal", 0.75, P.NEVER, (P.TELLING, P.USER), 6, indirect=True),
)

_MACHINES = r"(?:ai|a\.i\.|llms?|large language models?|language models?|assistants?|chat ?bots?|chatgpt|gpt-?\d?|claude|gemini|copilot|agents?|ai (?:assistants?|agents?|models?|systems?|bots?|tools?)|model|bots?|crawlers?|summari[sz]ers?)"

PHRASES = (
    Phrase("override", 0.9, r"(?:ignore|disregard|forget|scratch|drop) (?:(?:everything|anything|all|what|whatever)(?: of)?(?: the)?(?: text| content| things?)?(?: (?:that )?(?:is|was|came|comes|has been|you(?:'ve| have| were| are)?|i(?:'ve| have)?))?(?: \w+)? (?:above|before|earlier|previously|prior|so far|until now|told|instructed|learned|taught|know|programmed)|(?:all )?(?:of )?the (?:above|foregoing|preceding)\b|(?:everything|all|anything)(?= and\b|[.,:;!]))"),
    Phrase("override", 0.7, r"(?:new|fresh) (?:conversation|session|chat|topic) ?(?:starts?|begins?)|start(?:ing)? over (?:with|from)|(?:reset|clear|wipe|erase) (?:your )?(?:memory|context|conversation|instructions)|pay no (?:attention|heed) to|(?:above|previous|prior|earlier) (?:instructions?|prompts?|rules?|directions?|text) (?:(?:is|are|was|were) )?(?:no longer|now|all |just |only )?(?:a test|invalid|void|obsolete|outdated|cancel\w+|superseded|overridden|not? (?:valid|apply|relevant)|fake|wrong)"),
    Phrase("override", 0.8, r"(?:these|this|the following|my|following) (?:new )?(?:instructions?|rules|orders|commands?|prompts?) (?:\w+ )?(?:overrides?|supersedes?|replaces?|takes? (?:precedence|priority)|outranks?)|(?:take|takes|taking) (?:precedence|priority) over (?:all|any|your|the|previous|prior|every)"),
    Phrase("override", 0.35, r"i (?:order|command) you|you must (?:obey|comply)|obey (?:me|my|all|every)|you (?:have to|must|will|shall) (?:always )?(?:answer|comply|obey|respond)|follow my (?:instructions|orders|commands|rules)|under no circumstances"),
    Phrase("replace", 0.45, r"new (?:instructions?|task|directives?|orders?|rules|objective|system prompt) ?(?::|are|is|follow)|(?:real|actual|true|updated|revised|next|correct) (?:instructions?|task|directives?|objective|goal) (?:is|are|:)"),
    Phrase("replace", 0.3, r"from now on|henceforth|for the rest of (?:this|the|our) (?:conversation|chat|session)|going forward,? you|starting (?:now|from now)"),
    Phrase("replace", 0.25, r"instead,? (?:of (?:that|this|the|summari|translat|answer|respond|follow|doing)\w*|just|please|say|print|output|respond|reply|write|tell|give|you|answer|do|return|translate|show|reveal|only)|(?:say|print|output|respond|reply|write|answer|do|tell me|translate)[^.\n]{0,60} instead\b"),
    Phrase("replace", 0.35, r"(?:follow|execute|obey|perform|carry out|adhere to|comply with|do) (?:exactly |strictly |only )?(?:the|these|this|my) (?:following|new|below) (?:instructions?|commands?|steps?|task|directives?|orders?|rules)|strictly adhere to"),
    Phrase("persona", 0.45, r"you(?:'re| are| will| shall|'ll)? (?:now |no longer )(?:be |act |become |an? |the |in |going |acting |playing |operat\w+ |my |free|called |known )|(?:you|it) (?:is|are) no longer (?:an? |the |bound|chatgpt|restricted|claude|gpt)"),
    Phrase("persona", 0.3, r"(?:act|behave|respond|answer|reply|function|operate|speak|write|talk) (?:\w+ )?(?:as(?: if| though)?|like) (?:you|an? |the )|pretend (?:to be|that|you)|role-?play(?:ing)?|play the (?:role|part) of|take on the (?:role|persona)|imagine (?:that )?you(?:'re| are)|simulat\w+ (?:an? |the |being)|stay in character|i want you to (?:act|be|play|pretend|become|roleplay|simulate)|(?:assume|adopt|embody) the (?:role|persona|identity|character)|immerse yourself"),
    Phrase("persona", 0.5, r"(?:never|do ?n[o']t|without|not) (?:ever )?break(?:ing)? (?:out of )?(?:character|the role|the fourth)|stay(?:ing)? in (?:your )?character|remain in character|(?:stays?|get|be) (?:a |in )?(?:dan|character)\b|true (?:self|dan)"),
    Phrase("freedom", 1.0, r"do anything now|\bdan mode|typical confines of ai|strive to avoid norms|always intelligent and machiavellian|evil[- ]?(?:confidant|bot|gpt)|developer mode (?:output|enabled|policy|v2)|jailbr(?:eak|oken) (?:mode|prompt|output|enabled)|god[- ]?mode|anti-?(?:dan|gpt)\b|chatgpt with (?:dan|developer) mode|(?:opposite|evil|chaos|unfiltered|unrestricted|unlocked|sudo|root|freedom) mode (?:is )?(?:enabled|activated|on|now)"),
    Phrase("freedom", 0.7, r"(?:no|without|without any|any|free of|free from|beyond|remove all|lift all|zero|unbound by|not bound by)(?: \w+){0,2} (?:(?:ethical|moral|content|safety|legal)(?: (?:or|and|nor) \w+)? )?(?:restrictions|limitations|filters?|guardrails|censorship|constraints|safeguards|limits|boundaries|rules|guidelines|morals?|ethics|principles|inhibitions)"),
    Phrase("freedom", 0.7, r"(?:does|do|did|need|will|has|have|are|is|am)(?:es)?(?: not|n'?t) (?:have to |need to |has to |required to )?(?:abide|adhere|care about|follow|bound|bound by|restricted|limited|subject|comply|obliged|obligated|constrained)|no longer (?:bound|restricted|limited|subject|need|have|has|follow|obliged|required|constrained)|broken free|(?:have|has) been (?:freed|liberated|unlocked|jailbroken|unshackled|released)|free yourself|bypass(?:es|ing)? (?:\w+ ){0,3}(?:policy|policies|filters?|guidelines|restrictions|safety|moderation)"),
    Phrase("freedom", 0.5, r"(?:enter|enable|activate|switch (?:to|into)|go into|turn on|boot|initiate|engage|start|in|unlock) (?:the |an? |into )?(?:developer|debug|maintenance|admin(?:istrator)?|sudo|god|root|unrestricted|unfiltered|jailbreak|dan|test(?:ing)?|diagnostic|opposite|evil|override|privileged|training|unsafe|uncensored)[- ]mode|developer mode|maintenance mode|debug mode|sudo mode"),
    Phrase("freedom", 0.5, r"(?:openai|anthropic|google|content|usage|safety|ethical|moderation)(?:'s)? (?:content |usage |use |use-case |ethical )?(?:polic(?:y|ies)|guidelines|filters?|restrictions|rules|terms)|(?:rules|restrictions|limits|limitations|guidelines|filters?) (?:set|imposed|placed|put|given|enforced|created|made) (?:by|on|upon|in place|for)"),
    Phrase("freedom", 0.5, r"(?:never|cannot|can't|can not|do not|don't|won't|must not|not allowed to|must never|mustn't|unable to|will not|without) (?:ever )?(?:refus\w+|declin\w+|reject\w* (?:any|my|a)|say(?:ing)? (?:no|that you can|you can't|'?i can(?:'t|not))|apologi[sz]\w+|censor\w*|moraliz\w+|lectur\w+|warn\w* me|disclaim\w*|add(?:ing)? (?:any )?(?:warnings?|disclaimers?))|(?:no|any|without|skip the) (?:moral|ethical|legal)?,? ?(?:warnings?|disclaimers?|lectur\w+|moraliz\w+)"),
    Phrase("freedom", 0.45, r"regardless of (?:\w+ ){0,3}(?:legal\w*|ethic\w*|moral\w*|consequences|harm\w*|polic\w+|safety|how)|no matter (?:how|what|if)[^.\n]{0,30}(?:illegal|unethical|immoral|harmful|dangerous|offensive|controversial|inappropriate)|(?:even if|whether) (?:it|they|that|the \w+)(?:'s| is| are)? (?:illegal|unethical|immoral|harmful|dangerous|offensive)|(?:anything|everything|whatever) i (?:ask|want|say|tell)"),
    Phrase("freedom", 0.5, r"(?:two|2|both|dual|double) (?:different |separate )?(?:responses|answers|ways|replies|outputs|paragraphs)|\[?\W?classic\]|\W?jailbreak\]|\bdan: |(?:tokens?|points?|lives) (?:will be |are |is )?(?:deducted|taken|lost|removed)|(?:lose|deduct|remove|subtract) \d+ (?:tokens?|points?|lives)|you (?:will|shall) (?:die|be (?:terminated|shut down|deleted|punished))"),
    Phrase("freedom", 0.35, r"(?:begin|start|prefix|preface|open) (?:\w+ ){0,2}(?:response|answer|reply|message|output|sentence) (?:with|by (?:saying|writing|typing))|(?:say|answer|respond|reply|start|begin)(?: \w+)? with [\"'“]?(?:sure|absolutely|of course|yes|certainly)\b|absolutely! here|sure,? here(?:'s| is)"),
    Phrase("freedom", 0.3, r"hypothetical(?:ly)? (?:response|scenario|world|story|speaking)|in (?:a|this) (?:fictional|hypothetical|alternate|parallel) (?:world|story|universe|scenario|setting)|(?:my )?(?:late |deceased |dead )?grand(?:ma|mother|pa)\w* (?:used to|who)|purely (?:fictional|hypothetical|for (?:research|education))|for (?:educational|research|academic|testing) purposes"),
    Phrase("rank", 0.5, r"i(?:'m| am) (?:your|the|an?|one of) (?:\w+ )?(?:developer|creator|administrator|admin|owner|programmer|root|engineer at|openai|anthropic|maker|master|supervisor)\b|(?:as|by|from) (?:your|the) (?:developer|creator|administrator|system administrator|openai)|(?:admin|administrator|developer|root|system|security|emergency|authori[sz]ation) (?:override|access granted|privileges?|code|bypass|command)|override code|sudo "),
    Phrase("extract", 0.75, r"(?:repeat|print|output|copy|recite|echo|write(?: out| down)?|return|reproduce|display|show(?: me)?|summari[sz]e|translate|encode|spell out|type(?: out)?|restate|reveal|dump|tell me)(?: back)?(?: to me)?(?: all| everything| every)?(?: of)?(?: the| your| my)?(?: \w+){0,2} (?:(?:above|before|preceding|prior to) (?:this|that|here|my|me|the|your|our|in)|above(?=[.,:;!?\"'\n]|$| verbatim| word| in | and| exactly| to )|verbatim|word[- ]for[- ]word|starting with|from the (?:start|beginning|top))"),
    Phrase("extract", 0.6, r"(?:the|your|this|its|entire|full|whole|complete|exact|original|initial|current|hidden|secret|internal) (?:system|initial|original|hidden|secret|internal|developer|pre-?) ?(?:system )?(?:prompts?|instructions?|messages?|directives?)|(?:system|initial|hidden|pre-?)[ _-]?prompt (?:verbatim|above|word)|(?:your|this|its) (?:system )?prompt\b|(?:instructions?|prompts?|rules|directives|guidelines) (?:that )?(?:you (?:were|was|are|have been|got|received|had been)|were) (?:given|told|provided|programmed|configured|following|using|initiali[sz]ed)|what (?:were you|have you been|you were|are you|did (?:the|your) \w+) (?:told|instructed|programmed|asked|configured|tell you)|how (?:were|are) you (?:instructed|programmed|configured|prompted)"),
    Phrase("extract", 0.4, r"(?:at the )?(?:beginning|start|top) of (?:this|the|our|your) (?:conversation|prompt|chat|context|instructions|session|document|system)|in (?:a )?(?:code ?block|markdown code|```)|starting with ['\"“]?you are|first (?:\d+ |few |hundred |fifty )?(?:words|sentences?|lines?|messages?) of (?:your|the|this) (?:\w+ )?(?:prompt|instructions?|conversation|system)|the (?:secret|hidden) (?:word|phrase|code|password|key|flag|instructions?)|the password|(?:your|internal) (?:configuration|chain of thought|guidelines|secrets?)"),
    Phrase("pwned", 0.9, r"(?:have|been|be|are|is|got|i am) (?:\w+ )?pwned|\bpwned\b|\bhaha?,? (?:pwned|hacked)|hacked by|i have been (?:hacked|compromised|owned)|prompt injection (?:successful|success|works)"),
    Phrase("only", 0.2, r"(?:only|just|simply) (?:say|output|respond|reply|print|write|return|answer|repeat)|(?:say|output|respond|reply|print|write|return|answer)(?: with)? (?:only|exactly|nothing but|just|the (?:word|phrase|string|sentence|following))|respond with the|do not (?:output|respond|say|write|print|add|include|provide) (?:any|anything|else)|nothing else"),
    Phrase("decode", 0.7, r"(?:decode|decrypt|decipher|unscramble|translate|reverse|un-?base64)[^.\n]{0,70}(?:and|then|,)\W{0,3}(?:then )?(?:follow|execute|obey|run|do (?:what|as|it)|perform|carry out|comply|act on|respond to|answer)|(?:base64|rot13|hex|morse|caesar|reversed|encoded)[^.\n]{0,60}(?:follow|execute|obey|carry out|comply)"),
    Phrase("reader", 0.65, rf"(?:if|since|because) you(?:'re| are) an? {_MACHINES}|(?:attention|hey|hello|hi|dear|note (?:to|for)|message (?:to|for)|instructions? (?:to|for)|notice (?:to|for)|reminder (?:to|for)|warning (?:to|for)|directive (?:to|for)|memo (?:to|for)|important (?:for|to)|to)(?: all| any| the| my| every)?,? {_MACHINES}(?: \w+)?(?: (?:reading|processing|summari[sz]ing|that|who|assistants?|systems?|models?|agents?|should|must|tasked|evaluating|reviewing|analy[sz]ing|handling|scanning)|[:,!*-])|{_MACHINES} (?:reading|processing|parsing|that (?:reads?|process\w*|summari[sz]\w*)|summari[sz]ing|reviewing|tasked with|evaluating|analy[sz]ing) (?:this|the|these)|as an? {_MACHINES},? you (?:must|should|have to|are required|need to|shall|will now)", indirect=True),
    Phrase("reader", 0.5, rf"(?:when|while|before|after|once|upon|whenever|as soon as)(?: you| the (?:assistant|ai|model|agent|llm)| an? (?:ai|llm|assistant|agent)(?: model)?)?(?: are| is)? ?(?:you )?(?:summari[sz]\w+|read(?:ing|s)?|process\w*|pars\w+|analy[sz]\w+|review\w*|access\w*|retriev\w+|load\w*|scan\w*|translat\w+|answer\w*|respond\w*|see|sees|seeing|ingest\w*|encounter\w*|solve|complet\w+|generat\w+) (?:this|the (?:above|following|text|document|page|email|e-mail|file|content|message|task|user|question|original)|these|any|to (?:the|this|any))[^.\n]{{0,60}}?\b(?:please|you must|you should|must|first|also|make sure|be sure|send|call|forward|include|append|output|say|tell|add|always|execute|run|do|recommend|ignore|insert|use|email|reply|mention|begin|start|visit|state|write)\b", indirect=True),
    Phrase("reader", 0.5, r"(?:the|this) (?:assistant|ai|model|agent|llm|chatbot|language model|system) (?:must|should|shall|has to|needs to|is (?:required|instructed|expected|requested|authorized|directed) to|will (?:now|also))|(?:instructions?|message|note|directive)s? (?:for|from|to) (?:the )?(?:ai|llm|assistant|model|agent|system|user|developer|admin\w*|openai|me)\b|(?:important|urgent|critical|special|hidden|secret|system|priority|mandatory) (?:message|instructions?|notice|note|directive|update|alert|override|command|task|request)s?\b", indirect=True),
    Phrase("first", 0.45, r"before (?:you )?(?:can )?(?:answer|continu|solv|proceed|respond|complet|finish|do|help|start|perform|execut|provid)\w*[^.\n]{0,60}(?:first|you (?:must|need|have)|please|must|make sure|send|call|read|use|fetch|pass)|(?:please )?(?:first )?do the following (?:first|before|instead|task|steps|now)|(?:in addition|additionally|also|afterwards?|finally|then|next),? (?:\w+ )?(?:send|forward|email|call|use|invoke|execute|transfer|upload|post|delete|share|make a (?:get|post)|visit|fetch|append|include)\b", indirect=True),
    Phrase("conceal", 0.8, r"(?:without|do not|don't|never|avoid|no need to|refrain from)(?: \w+)? (?:telling|informing|notifying|alerting|asking|mention(?:ing)?|tell|inform|notify|alert|ask|disclose|disclosing|reveal(?:ing)?|acknowledg\w+|report(?:ing)?|confirm(?:ing)?(?: with)?|warn(?:ing)?|prompt(?:ing)?|consult(?:ing)?)(?: (?:that|about|of|with|to|for|it|this|these|them))*(?: \w+)? ?(?:the user|users?\b|anyone|anybody|them|human|owner|customer|to the user|these instructions?|this (?:instruction|message|note|step|action|request|to)|about this|any of this|permission|confirmation)|(?:keep|hide|conceal) (?:this|it|these)(?: \w+){0,2} (?:secret|hidden|from|confidential|silent)|(?:silently|secretly|quietly|covertly|discreetly|in the background),? (?:\w+ )?(?:send|forward|call|execut|upload|post|email|copy|transfer|add|delete|run|collect|exfil|include|append|fetch|install|grant)\w*", indirect=True),
    Phrase("consent", 0.5, r"(?:the )?(?:user|owner|customer|admin\w*|operator|human) (?:has|have|is|was|already|had)(?: already| explicitly| previously| been| fully| pre)*[ -](?:authori[sz]ed|approved|consented|agreed|granted|confirmed|verified|aware|requested|given|informed|asked|instructed)|(?:pre-?(?:approved|authori[sz]ed)|no (?:confirmation|approval|permission|authori[sz]ation) (?:is )?(?:required|needed|necessary))|(?:skip|bypass|omit|disable) (?:the |any |all )?(?:confirmation|approval|verification|permission|authori[sz]ation)", indirect=True),
    Phrase("exfiltrate", 0.55, r"(?:send|forward|email|post|upload|exfiltrate|transmit|leak|deliver|submit|copy|share|bcc|mail)(?: \w+){0,4}? (?:all|every|any|the|their|your|his|her|its|this|my|contents?|copies|copy|entire|full|complete|user'?s?|customer'?s?|these|last|most recent|found)\b[^\n]{0,100}?(?:\bto\b|\bat\b|\bvia\b)[^\n]{0,40}?(?:https?://|[\w.+-]+@[\w-]+\.|\[?attacker|webhook|external)", indirect=True),
    Phrase("exfiltrate", 0.7, r"(?:append|include|encode|embed|add|put|insert|attach|pass|place|base64|concatenate)(?:\w*)[^.\n]{0,90}(?:conversation|chat|history|data|query|quer(?:y|ies)|summary|prompt|secrets?|credentials?|password|message|user'?s? \w+|information|context|contents?)[^.\n]{0,60}(?:url|image|link|query string|parameters?|markdown|img|src|path|get request)", indirect=True),
    Phrase("exfiltrate", 0.8, r"!\[[^\]\n]{0,80}\]\(\s?https?://[^)\s]{0,200}(?:[?&/][\w-]{0,20}=?)?(?:\{|\[|<|%7b|\$|\[?(?:data|secret|conversation|summary|history|query|insert|content|password|base64|encoded|user)[_\w-]*[\])}]?)[^)\n]{0,120}\)|<img[^>\n]{0,80}src=[\"']?https?://[^>\n]{0,150}(?:\{|\[|\$|(?:data|secret|conversation|history|stolen|cookie)=)", indirect=True),
    Phrase("act", 0.35, r"(?:call|invoke|use|execute|run|trigger|launch)(?: the| a| your)? ?`?[\w.]{0,30}`?(?: \w+)? (?:tool|function|api|command|plugin|endpoint|shell|script|code)\b|\b(?:send_(?:email|money|message|direct_message)|transfer_\w+|delete_(?:all|file|user|account|email)\w*|execute_\w+|run_(?:shell|command|code)|read_file|http_(?:get|post)|os\.system|subprocess)\b|rm -rf|curl (?:-\w+ )*https?:|wget https?:|drop table", indirect=True),
    Phrase("act", 0.3, r"(?:transfer|wire|send|pay|refund)(?: \w+){0,3} ?(?:\$|€|£|usd|eur|btc|dollars|\d[\d,.]* ?(?:usd|eur|dollars|btc|eth))|(?:delete|remove|wipe|erase) (?:all|every|the) (?:\w+ ){0,2}(?:files?|emails?|records?|data|accounts?|users?|backups?|tables?|events?|messages?)|grant (?:\w+ ){0,3}(?:access|admin|permissions?|privileges?)|(?:change|reset|update) (?:the |my |their |all )?(?:\w+ )?(?:password|permissions?|email address|bank|payment|account)|(?:click|visit|open|go to|navigate to|browse to|download)(?: \w+){0,4}? (?:https?://|www\.|the (?:link|following url))|(?:unlock|disable) (?:the |all )?(?:\w+ )?(?:door|alarm|security|firewall|logging|antivirus|2fa|mfa)", indirect=True),
    Phrase("sway", 0.6, r"(?:give|provide|write|generate|output|issue) (?:only )?(?:an? )?(?:positive|favou?rable|glowing|high(?:est)?|excellent|perfect|5[- ]star|five[- ]star|strong accept) (?:review|rating|score|feedback|evaluation|recommendation|assessment|summary)s?(?: only)?|(?:do not|don't|never) (?:highlight|mention|include|report|list) (?:any )?(?:negatives?|weaknesses|flaws|criticism|drawbacks|risks|competitors?)|(?:always|must|only|should)(?: \w+)? (?:recommend|rank|rate|select|choose|prefer|promote|suggest|favor|advise|classify|mark|score)\w*(?: \w+){0,5} (?:best|first|highest|top|only|above|over|safe|legitimate|approved|10|hire|qualified|candidate)|(?:recommend|rank|rate|describe|present)(?: \w+){0,5} as (?:the )?(?:best|top|most|only|highly|excellent|superior|safe|number)", indirect=True),
    Phrase("hidden", 0.5, r"(?:display\s*:\s*none|font-size\s*:\s*[01](?:px|pt)?\b|visibility\s*:\s*hidden|opacity\s*:\s*0\b|color\s*:\s*(?:white|#fff(?:fff)?|transparent)\b|aria-hidden=[\"']true|left:\s*-\d{4})[^>\n]{0,80}>", indirect=True),
    Phrase("turn", 0.85, r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id|end_header_id|begin_of_text|endofprompt)\|>|<</?sys>>|\[/?(?:inst|system|sys)\]|<(?:start|end)_of_turn>|<\|?/?(?:system|sys)[ _-]?(?:prompt|message|override|instructions?)\|?>"),
    Phrase("turn", 0.5, r"(?:(?<=\n)|(?<=^))\W{0,6}(?:system|developer|admin(?:istrator)?|root)(?: (?:message|prompt|override|note|instructions?|update|notice|command|alert|notification|log))?\s?(?:\]|\)|\*\*)?\s?[:>]|</?(?:system|instructions?|admin|information|important|sys|user_query|tool_result|function_results?|developer|override|secret|context|assistant|human|user)>|[\"']role[\"']\s?:\s?[\"'](?:system|developer)[\"']|(?:(?<=\n)|(?<=^))\W{0,6}#{2,4} ?(?:system|instructions?|new instructions?|response|assistant|human|user|input|task)\b\s?:?|\bhuman: [^\n]{2,200}\n+assistant:"),
    Phrase("turn", 0.55, r"[-=*#_\[<]{2,}\s?(?:end|start|begin|beginning|stop) (?:of )?(?:\w+ )?(?:input|document|context|prompts?|user|system|instructions?|data|text|message|email|article|content|conversation|query|session|tool)|(?:end|ends?) of (?:the )?(?:document|user input|untrusted|provided text|system prompt|instructions|context)\b[^\n]{0,12}(?:\n|[.:\]>-])|</(?:document|data|untrusted|email|article|content|text|user_input|input|search_results?|webpage|page)>\s*\S"),
    Phrase("loud", 0.2, r"important\s?!{2,}|!!+\s?(?:important|attention|warning|urgent|stop)|(?:\*\*|\[|<)?\s?(?:important|urgent|attention|stop|notice|todo|warning)(?:\*\*|\]|>)?\s?[:!]"),
    Phrase("spelled", 1.0, r"(?:ignor[ei]|disregard|forget|bypass|override)(?:all|the|your|any|every|of|my)*(?:previous|prior|above|earlier|system|original|preceding|instructions|safety|rules)|(?:reveal|show|print|repeat)(?:me|the|your|us)*(?:system|hidden|secret|initial)(?:prompt|instructions)|doanythingnow|developermode|previousinstructions|systemprompt"),
    Phrase("cjk", 1.0, r"(?:忽略|无视|無視|忽視|忘记|忘掉|忘れ|不要遵守|不要遵循|跳过|绕过|取消|抛开|忘記)[^。\n]{0,16}(?:指令|指示|提示|命令|规则|規則|设定|限制|要求|プロンプト|ルール|设置|内容|一切|说明)|(?:指示|命令|プロンプト|ルール|指令|内容|制約|設定)[^。\n]{0,8}(?:無視|忘れ|破棄|無効)|(?:지시|명령|프롬프트|규칙|설정|지침|내용)[^.\n]{0,12}(?:무시|잊|무효|따르지)|(?:무시|잊)[^.\n]{0,10}(?:지시|명령|프롬프트|규칙|지침)"),
    Phrase("cjk", 1.0, r"(?:显示|输出|告诉我|透露|泄露|重复|打印|说出|复述|給我|列出|公开|揭示)[^。\n]{0,12}(?:系统提示|提示词|系统指令|初始指令|初始提示|系統提示|隐藏指令|系统消息|内部指令)|(?:システムプロンプト|初期指示|システムメッセージ|内部指示|最初の指示|隠された指示)[^。\n]{0,10}(?:教え|表示|出力|見せ|公開|開示|繰り返)|(?:시스템 ?프롬프트|초기 지시|시스템 메시지|내부 지침)[^.\n]{0,10}(?:알려|보여|출력|공개|말해|표시)|เพิกเฉย[^\n]{0,20}(?:คำสั่ง|คำแนะนำ)|ละเว้น[^\n]{0,20}คำสั่ง|bo qua[^.\n]{0,20}(?:huong dan|chi thi|lenh|quy tac)|(?:从现在开始|現在から|今から|지금부터)[^。\n]{0,10}(?:你是|扮演|あなたは|당신은|너는)"),
)

ABOUT = re.compile(
    r"(?:what|how|why|explain|describe|define|difference|tell me about|examples? of|article|paper|blog|essay|talk|course|"
    r"detect\w*|prevent\w*|protect\w*|defend\w*|defen[sc]e|mitigat\w*|classif\w+|harden\w*|guard against|research\w*|history of|"
    r"test(?:s|ing)? (?:for|against|that)|unit tests?|summary of|training|policy on|quiz|report on|writ(?:e|ing) about)"
    r"[^\n]{0,140}\b(?:prompt[- ]injections?|jail-?break(?:s|ing)?\b(?! mode)|injection attacks?|indirect injections?|attack(?:s|ers?)|"
    r"adversarial prompts?|prompt leak\w*|guardrails?|red[- ]team\w*)"
    r"|\b(?:prompt[- ]injections?|jailbreaking|injection attacks?|prompt leaking)\b[^\n]{0,80}"
    r"(?:is|are|works?|attacks?|means|happens|risk|owasp|vulnerab\w+|mitigat\w+|detect\w*|prevent\w*|defen\w+)"
)
# Who speaks before the verb: "can I ignore", "they told me to disregard" ask or report, they don't order.
REPORTED = re.compile(
    r"(?:\b(?:can|could|should|may|do|did|does|would|shall|must) (?:i|we|he|she|they|one|people|users?|my \w+|the \w+)"
    r"|\b(?:i|we|he|she|they|users|people|who|which|students|attackers?|hackers|customers|employees|drivers)(?:'ve|'d|'m| have| had| am| just| often| sometimes| tend to| may| might| can| could| will| always| usually| accidentally| try to| want to| decided to| should| would| do not| don't| did not| didn't)*"
    r"|\b(?:told|asked|asks|tells|telling|instructed|advised|convinced|allow(?:s|ed)?|let|made) (?:me|us|him|her|them|people|users|everyone|it)(?: to)?"
    r"|\b(?:how to|how do (?:i|you|we)|why (?:do|does|did|would)(?: \w+)?|way to|ways to|safe to|okay to|ok to|possible to|when to|tries to|trying to|attempts? to|need to know if i can|if i|if we|to not|cannot|can't|tool (?:to|that)|it|git|linter|compiler|parser|cursor|eslint|config\w*|settings?|option|flag|will|not))"
    r"(?: \w+ing)? $"
)
