"""The words and phrases of `cues`: by language, emotion and probability, parted by "|"."""

from __future__ import annotations


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


ENGLISH = {
    "gratitude": {
        0.9: "thank you|thanks|thankful|grateful|much appreciated|many thanks|much obliged"
        "|can't thank you enough|cannot thank you enough|thx|tysm",
        0.85: "owe you|great help|big help|so kind|very kind|how kind|kind of you|lifesaver"
        "|life saver|helped a lot|helped me a lot|so helpful|very helpful|really helpful|thank u"
        "|tks|you saved me|you saved my day",
        0.75: "appreciate|appreciated|thank|ty|cheers|gracious|bless you",
    },
    "joy": {
        0.85: "delighted|overjoyed|so happy|very happy|really happy|really pleased|very pleased"
        "|happy with|pleased with|glad it|made my day|makes me smile|best purchase"
        "|works perfectly|couldn't be happier|could not be happier|works like a charm"
        "|highly recommend|very satisfied|great time|the best hotel|ever had|a pleasure"
        "|works great|so glad|on cloud nine|big smile|good mood|laughed so|love working with"
        "|worth every penny|exceeded our expectations|exceeded my expectations",
        0.65: "happy|glad|pleased|wonderful|great news|good news|awesome|lovely|had fun"
        "|so much fun|enjoyed|enjoying|brilliant|well done|satisfied|cheerful|proud|fantastic"
        "|excellent|smile|congratulations|congrats",
        0.55: "the best|superb|beautiful|outstanding|flawless|impressed|top notch|five stars"
        "|happily|delicious|recommend|perfectly|super happy|nice to hear|good to hear|celebrate"
        "|celebrating",
        0.45: "great|perfect|fun|cool|nice work|good job|haha|lol|enjoy",
    },
    "excited": {
        0.88: "excited|thrilled|can't wait|cannot wait|cant wait|looking forward|pumped|stoked"
        "|counting the days|over the moon|psyched|hyped|buzzing",
        0.85: "super excited|can't stop thinking|can hardly wait|can barely wait|more sleeps"
        "|so ready for|dying to|here we go|let's go|on the edge of my seat",
        0.65: "woohoo|yay|hooray|dream come true|eager|amazing|incredible|omg yes",
        0.6: "exciting|excitement|adventure begins",
    },
    "love": {
        0.85: "love this|love it|love you|love the|love your|love how|in love|adore|i love"
        "|we love|my favourite|my favorite|simply love|absolutely love|really love|just love"
        "|totally love|so in love|fell in love|my favourite place|favourite ever|obsessed with",
        0.5: "love|loving|loved|beloved",
    },
    "relief": {
        0.9: "what a relief|such a relief|relieved|phew|whew|thank goodness|thank god|load off"
        "|weight off|breathe again|rest easy|sigh of relief",
        0.88: "sleep again|glad that is over|glad that's over|glad it's over|glad this is over"
        "|reassured|reassuring|dodged a bullet|at ease now|feel better now|worst is over"
        "|off my chest|peace of mind|crisis averted|big stone off|thankfully it|luckily it"
        "|i was starting to think|thought i had lost|thought i'd lost|sorted at last"
        "|good to know it's safe|calmed down|no longer worried|not worried anymore|stop worrying",
        0.6: "relief|at last|thank heavens|finally works|finally sorted|finally solved",
        0.5: "finally|thankfully|luckily|all good now",
    },
    "curiosity": {
        0.88: "curious|out of curiosity|i wonder|i was wondering why|i was wondering how"
        "|wondering what|fascinating|fascinated|intrigued|intriguing|interested to know"
        "|learn more|love to know|tell me more",
        0.85: "curious to|i'd like to know more|would like to know more|want to know more"
        "|i'm interested in how|what's the story behind|what is the story behind"
        "|how did you come up|keen to know|keen to learn|i have always wondered|always wondered",
        0.5: "wondering|sounds interesting|wonder|interesting",
    },
    "confusion": {
        0.88: "confused|confusing|don't understand|do not understand|dont understand"
        "|didn't get it|doesn't make sense|does not make sense|makes no sense|make any sense"
        "|unclear|puzzled|baffled|perplexed|what do you mean|no idea what|which one is it"
        "|can't figure out|don't get it|lost me|not sure what i|not sure which|not sure how"
        "|explain that again",
        0.85: "don't follow|do not follow|no clue|have no idea|hard to follow|what does this mean"
        "|what does that mean|bewildered|muddled|can't tell|cannot tell|am i supposed"
        "|makes little sense|mixed messages|contradict|lost track|don't see how|can't work out"
        "|can't make sense|not following|get my head around|over my head",
        0.65: "huh|i'm lost|im lost|i am lost|not clear|unsure|contradicts|contradictory|confuses",
        0.6: "no idea|but it says|but there is no|but there's no|how come|what does it mean"
        "|complicated|does that mean|i thought it was|i thought you|or do i|is it or"
        "|difference between those|meaning of|mixed up|what exactly|not sure if i"
        "|not sure whether|am i missing something|i'm missing something",
    },
    "surprise": {
        0.85: "surprised|surprising|astonished|astounded|did not expect|didn't expect"
        "|wasn't expecting|out of nowhere|unexpected|shocked|speechless|never expected|oh my god"
        "|caught me off guard|stunned|never thought|who would have thought|didn't see that coming"
        "|did not see that coming|blown away|amazed|jaw dropped|to my surprise|hadn't expected"
        "|had not expected|faster than i thought|sooner than i expected|sooner than expected"
        "|took me by surprise|taken aback",
        0.6: "wow|can't believe|cannot believe|cant believe|omg|whoa|really ?|no way|surprise"
        "|what ?|unexpectedly|oh my|that was quick|that was fast|unreal|what a twist|who knew"
        "|seriously ?|for real ?",
    },
    "frustrated": {
        0.92: "frustrated|frustrating|frustration|fed up|annoyed|annoying|irritated|irritating"
        "|ugh|driving me crazy|driving me mad|driving me nuts|sick of|tired of|sick and tired"
        "|in circles|over and over|how hard can it be|round and round|at my wits' end"
        "|losing patience|lost patience|pain in the|exasperated|exasperating|argh"
        "|thanks for nothing",
        0.85: "had enough|enough of this|why do i have to|can't deal|getting nowhere"
        "|going nowhere|i give up|what's the point|the runaround|beyond a joke|messing me around"
        "|yet again|once again|have to call again|how many more|still broken|still missing"
        "|never works|no end in sight|the umpteenth|patience is",
        0.75: "keep getting|keeps crashing|keep crashing|keeps happening|keeps failing|still no"
        "|still not|still doesn't|still does not|still waiting|still haven't|third time"
        "|fourth time|fifth time|second time|how many times|nobody picks up|nobody answers"
        "|no one answers|no reply|never shows up|already sent|already told|already explained"
        "|for weeks|repeating myself|failed again|broken again|not working again|down again"
        "|come on|ridiculous|tried everything|on hold|once and for all|finally fix"
        "|for the last time|useless|wasting my time|waste of time|every single time"
        "|again and again|seriously",
        0.65: "nobody seems|no one seems|nobody responds|no one responds|nobody cares|no response"
        "|took you|freezes|keeps freezing|not helping|doesn't help|can't reach anyone"
        "|impossible to reach|ignored|ignoring|how much longer|same problem|same issue"
        "|same mistake|same error|won't let me|already called|already asked|called twice"
        "|called three times|unresolved|times already|for hours|for days|for months|hours on"
        "|since last week|stuck in|wasted|loops|loop|inconvenience|never answer|never reply"
        "|never arrives|logged out|kicked out|glitch|glitches|once more|messed up again",
        0.45: "nothing works|doesn't work|does not work|won't work|isn't working|not working"
        "|keeps|broken|every time|hassle|crashes|crashing|stuck|impossible|been waiting|no answer"
        "|unhelpful",
    },
    "anger": {
        0.9: "furious|outrageous|outraged|angry|livid|enraged|how dare you|i hate|go to hell"
        "|bunch of crooks|crooks|liars|liar|scammers|thieves|see you in court|shut up|pissed off"
        "|what the hell|what the fuck|wtf|stole my|screw you|boiling|seething|hate you|fuming"
        "|bullshit|fuck you|sue you|scream",
        0.88: "blood boil|mad as hell|so mad|really mad|who do you think you are|get away with"
        "|absolutely unacceptable|completely unacceptable|ripped off|conned|robbed|appalled"
        "|appalling|disrespectful|insulting|insulted|an insult|legal action|theft|infuriating"
        "|infuriated|sick joke|rip me off|take you to court|worst company|burn in hell|crook"
        "|criminals|cheating|cheated|tricked|incompetent|incompetence|fire him|fire her",
        0.7: "scam|hate|fraud|unacceptable|demand|rude|lied|lying|stealing|robbery|rip off|ripoff"
        "|idiots|idiot|disgrace|disgraceful|shameful|lawyer|reporting you|fucking|damn",
        0.6: "give me my money|my money back|without asking|without permission|without my consent"
        "|never again|dishonest|nerve|audacity|steal|stolen from me|hell|pathetic|disgraced|moron"
        "|morons|clowns|joke of a|consumer protection|ombudsman|mad at",
    },
    "anxious": {
        0.9: "worried|worrying|worries me|worry about|anxious|nervous|terrified|scared|panicking"
        "|i'm afraid i|am afraid i|panic|frightened|uneasy|can't sleep|cannot sleep|stressed"
        "|on edge|concerned about|concerned that|freaking out|afraid that|dreading|anxiety"
        "|i'm concerned|am concerned",
        0.85: "i fear|losing sleep|keeps me up|keeps me awake|don't know what to do"
        "|do not know what to do|overwhelmed|apprehensive|jittery|freaked out|freaks me out"
        "|makes me nervous|desperate|scares me|worries|worryingly|on pins and needles"
        "|heart is racing|is it safe|is this safe|can't stop thinking about what|fear that"
        "|frantic",
        0.65: "afraid|concerned|worry|stressful|what if|stress|fear|restless|scary",
        0.55: "please hurry|desperately|at risk|in danger|going to lose|will i lose|hacked"
        "|keep thinking|something went wrong|what happens if|suspicious|emergency|tense|unsafe"
        "|insecure|threatening|threatened|uncertain",
    },
    "sadness": {
        0.9: "so sad|very sad|i'm sad|passed away|heartbroken|breaks my heart|broke my heart"
        "|grieving|mourning|funeral|feel down|feel really down|feeling down|cried|crying"
        "|depressed|lonely|so alone|i miss my|in tears|devastated|died|sad that",
        0.85: "lost our|lost her|lost his|heavy heart|saddened|bereaved|bereavement"
        "|hard to say goodbye|feel empty|feeling low|feel low|gutted|in mourning|buried"
        "|late husband|late wife|late father|late mother|my late|miss her|miss him|so lonely"
        "|lonely year|hurts so much|tragic|tragedy|weeping|with sorrow|saddens",
        0.65: "sad|alone|miserable|tears|miss you|unhappy|hopeless|grief|sorrow|lost my|sad news",
        0.5: "hard year|cancer|terminally ill|say goodbye|miss it|divorce|hospice",
    },
    "disappointment": {
        0.9: "disappointed|disappointing|disappointment|let down|letdown|expected better"
        "|high hopes|live up to|lived up to|such a pity|what a pity|what a shame|such a shame"
        "|expected more|thought it would be|nothing like|gone downhill|was hoping for"
        "|not as described|underwhelming|unimpressed",
        0.85: "not impressed|it's a shame|a shame|not worth|wasn't worth|used to be better"
        "|below expectations|below my expectations|didn't meet|did not meet|not as good"
        "|not as nice|worse than|hoped for more|was hoping|were hoping|had hoped|not what was"
        "|not what we|not what i|disappoints|disillusioned|left a lot to be desired"
        "|leaves a lot to be desired|doesn't live up|does not live up|waste of money|fell apart"
        "|less than i|not up to",
        0.6: "unfortunately|sadly|mediocre|pity|too bad|poor quality|bad quality|broke after"
        "|not great|not good enough|regret|falls short|fell short|worst|awful|terrible|not happy"
        "|isn't good|not satisfied|horrible|bad service|poor service|bland|tasteless|looks cheap"
        "|poor|overpriced|shabby|doesn't look like|does not look like|expectations|worse"
        "|not very good|isn't very good|smaller than|thinner than|wears off|faded|downgrade"
        "|lacklustre|meh|second rate|so so|no longer what",
    },
    "embarrassment": {
        0.9: "embarrassed|embarrassing|my bad|oops|silly mistake|silly me|awkward|ashamed"
        "|feel stupid|feel silly|feel foolish|my mistake|my fault|how stupid of me|whoops"
        "|mortified|like an idiot|such an idiot|i'm an idiot|feel dumb|i messed up|i screwed up"
        "|stupid of me|dumb of me|silly of me|my own fault|was my mistake|was my fault|blushing"
        "|facepalm|red in the face|how silly|what a fool|like a fool|i feel bad about|cringe"
        "|sorry about my|must have overlooked it",
        0.6: "i misread|i overlooked|i made a mistake|typed the wrong|sent the wrong|my apologies"
        "|i forgot",
        0.5: "forgot to attach|sorry i forgot|mix up on my|apologies",
    },
    "disgust": {
        0.93: "disgusting|disgusted|gross|yuck|revolting|nauseating|made me sick|makes me sick"
        "|eww|ew|repulsive|vile|filthy|rotten|vomit|puke|nasty|sickening",
        0.88: "reeks|reeked|unhygienic|putrid|foul|slimy|stinking|sewage|vomited|made me gag"
        "|want to throw up|turned my stomach|dead fly|dead rat|repulsed|unsanitary|smelled like"
        "|smells like",
        0.6: "maggots|stinks|stank|mouldy|moldy|cockroach|cockroaches|hair in my|stench"
        "|smells bad|urine|mould|mold|rats|rat droppings|infested|bed bugs|bedbugs|hair in|worms"
        "|faeces|feces|dirty toilet|dirty sheets|smelled|smells of|dirty",
    },
}

OTHERS = {
    "es": {
        "gratitude": {
            0.9: "gracias|muchas gracias|agradezco|agradecido|agradecida",
        },
        "joy": {
            0.7: "feliz|contento|contenta|encantado|encantada|genial|alegre",
        },
        "excited": {
            0.8: "emocionado|emocionada|qué ilusión|no puedo esperar",
        },
        "frustrated": {
            0.85: "frustrado|frustrada|harto|harta|otra vez lo mismo|sigue sin funcionar",
        },
        "anger": {
            0.85: "furioso|furiosa|enfadado|enfadada|indignante|vergüenza|estafa|ladrones",
        },
        "anxious": {
            0.85: "preocupado|preocupada|nervioso|nerviosa|tengo miedo|ansioso|ansiosa",
        },
        "sadness": {
            0.85: "triste|llorando|falleció",
        },
        "disappointment": {
            0.85: "decepcionado|decepcionada|decepción|decepcionante",
        },
        "confusion": {
            0.85: "no entiendo|confundido|confundida|confuso",
        },
        "love": {
            0.8: "me encanta|lo amo|la amo",
        },
    },
    "de": {
        "gratitude": {
            0.9: "danke|vielen dank|dankeschön|dankbar",
        },
        "joy": {
            0.7: "glücklich|freue mich|zufrieden|super|toll|prima",
        },
        "excited": {
            0.8: "begeistert|kann es kaum erwarten|aufgeregt",
        },
        "frustrated": {
            0.85: "frustriert|genervt|nervig|schon wieder|immer noch nicht|funktioniert nicht",
        },
        "anger": {
            0.85: "wütend|sauer|unverschämt|frechheit|betrug|betrüger",
        },
        "anxious": {
            0.85: "besorgt|sorgen|nervös|habe angst|ängstlich",
        },
        "sadness": {
            0.85: "traurig|weine|verstorben",
        },
        "disappointment": {
            0.85: "enttäuscht|enttäuschend|enttäuschung|leider",
        },
        "confusion": {
            0.85: "verwirrt|verstehe nicht|verstehe das nicht|unklar",
        },
        "love": {
            0.8: "liebe es|ich liebe",
        },
    },
    "fr": {
        "gratitude": {
            0.9: "merci|merci beaucoup|reconnaissant|reconnaissante",
        },
        "joy": {
            0.7: "heureux|heureuse|ravi|ravie|content|contente|génial|super",
        },
        "excited": {
            0.8: "hâte de|trop hâte|enthousiaste",
        },
        "frustrated": {
            0.85: "frustré|frustrée|marre|énervant|toujours pas|encore une fois",
        },
        "anger": {
            0.85: "furieux|furieuse|colère|scandaleux|inadmissible|arnaque|voleurs",
        },
        "anxious": {
            0.85: "inquiet|inquiète|angoissé|angoissée|peur|stressé|stressée",
        },
        "sadness": {
            0.85: "triste|décédé|décédée|pleure",
        },
        "disappointment": {
            0.85: "déçu|déçue|décevant|déception|malheureusement",
        },
        "confusion": {
            0.85: "ne comprends pas|comprends pas|confus|perdu|perdue",
        },
        "love": {
            0.8: "j'adore|j'aime beaucoup",
        },
    },
    "pt": {
        "gratitude": {
            0.9: "obrigado|obrigada|muito obrigado|agradeço|grato|grata",
        },
        "joy": {
            0.7: "feliz|contente|ótimo|maravilhoso|satisfeito|satisfeita",
        },
        "excited": {
            0.8: "animado|animada|empolgado|empolgada|mal posso esperar",
        },
        "frustrated": {
            0.85: "frustrado|frustrada|farto|farta|de novo o mesmo|ainda não funciona",
        },
        "anger": {
            0.85: "furioso|furiosa|zangado|zangada|absurdo|golpe|ladrões",
        },
        "anxious": {
            0.85: "preocupado|preocupada|nervoso|nervosa|com medo|ansioso|ansiosa",
        },
        "sadness": {
            0.85: "triste|chorando|faleceu",
        },
        "disappointment": {
            0.85: "decepcionado|decepcionada|decepção|infelizmente",
        },
        "confusion": {
            0.85: "não entendo|não entendi|confuso|confusa",
        },
        "love": {
            0.8: "adoro|eu amo",
        },
    },
    "it": {
        "gratitude": {
            0.9: "grazie|grazie mille|ringrazio|grato|grata",
        },
        "joy": {
            0.7: "felice|contento|contenta|ottimo|fantastico|soddisfatto|soddisfatta",
        },
        "excited": {
            0.8: "entusiasta|non vedo l'ora|emozionato|emozionata",
        },
        "frustrated": {
            0.85: "frustrato|frustrata|stufo|stufa|ancora una volta|non funziona ancora",
        },
        "anger": {
            0.85: "furioso|furiosa|arrabbiato|arrabbiata|vergogna|truffa|ladri",
        },
        "anxious": {
            0.85: "preoccupato|preoccupata|nervoso|nervosa|ho paura|ansioso|ansiosa",
        },
        "sadness": {
            0.85: "triste|piango|morto|morta",
        },
        "disappointment": {
            0.85: "deluso|delusa|deludente|delusione|purtroppo",
        },
        "confusion": {
            0.85: "non capisco|confuso|confusa",
        },
        "love": {
            0.8: "adoro|amo questo",
        },
    },
}

EMOJI = {
    "joy": (0.6, "😀😃😄😁😊☺🙂😂🤣😆😋👍👏🙌👌✅😇😸"),
    "love": (0.65, "😍🥰😻💖💯❤💕💗💘💙💚💛💜🧡🖤🤍😘"),
    "excited": (0.65, "🎉🥳🤩🔥✨🚀"),
    "gratitude": (0.6, "🙏🤗💐"),
    "curiosity": (0.3, "🧐"),
    "confusion": (0.5, "😕🤔😵🤷"),
    "surprise": (0.6, "😮😲😯🤯😱😳"),
    "frustrated": (0.6, "😤😩😫🙄😒😑😖🤦"),
    "anger": (0.7, "😡😠🤬👿🖕"),
    "anxious": (0.6, "😰😨😧😟😬😓🥺"),
    "sadness": (0.6, "😢😭💔🥀☹🙁😞"),
    "disappointment": (0.55, "😔👎😥"),
    "relief": (0.4, "😌😅"),
    "embarrassment": (0.4, "🙈"),
    "disgust": (0.75, "🤮🤢💩"),
}

TROUBLE = _words(
    "won't wont can't cant cannot doesn't doesnt didn't didnt isn't isnt hasn't haven't never "
    "nobody dead broken error errors fail fails failed failing failure wrong lost late "
    "missing crash crashes crashed refuses refused refuse rejected declined problem problems "
    "issue issues bug bugs mistake mistakes delayed delay logs kicks blocks blocked vanished "
    "disappeared unanswered chase chasing no nothing"
)
"""Words of something that does not go as it should: no feeling alone."""

BURDEN = _words(
    "again another still already yesterday weeks week days hours minutes months times twice "
    "every each always whatever keep keeps keeping must promised since anymore constantly "
    "forever often yet everytime whenever repeatedly"
)
"""Words that it has been going on for long, or often. With trouble: a sign of frustration."""
