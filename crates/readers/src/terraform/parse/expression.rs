use super::{Parsed, Parser};
use crate::limits::MAX_CHAIN;
use crate::terraform::syntax::{Call, Expr, For, Item, Kind, Op, Step};
use std::borrow::Cow;

impl<'s> Parser<'s> {
    pub(super) fn expression(&mut self) -> Parsed<Expr<'s>> {
        self.deeper(|parser| {
            let condition = parser.binary(0)?;
            parser.skip_space();
            let line = condition.line;
            if parser.peek() != Some(b'?') {
                return Ok(condition);
            }
            parser.at += 1;
            parser.skip_lines();
            let then = parser.expression()?;
            parser.skip_lines();
            if !parser.eat(":") {
                return Err(parser.unexpected("`:`"));
            }
            parser.skip_lines();
            let otherwise = parser.expression()?;
            let span = (condition.span.0, otherwise.span.1);
            Ok(Expr { line, span, kind: Kind::If(Box::new([condition, then, otherwise])) })
        })
    }

    /// Operators of one strength and above, left to right.
    fn binary(&mut self, strength: u8) -> Parsed<Expr<'s>> {
        let mut left = self.unary()?;
        let mut chain = 0;
        loop {
            self.skip_space();
            let Some((op, own, length)) = self.operator().filter(|(_, own, _)| *own >= strength) else {
                return Ok(left);
            };
            chain += 1;
            if chain > MAX_CHAIN {
                return Err(self.error("an expression has too many operators"));
            }
            self.at += length;
            self.skip_lines();
            let right = self.deeper(|parser| parser.binary(own + 1))?;
            let span = (left.span.0, right.span.1);
            left = Expr { line: left.line, span, kind: Kind::Binary(op, Box::new([left, right])) };
        }
    }

    fn operator(&self) -> Option<(Op, u8, usize)> {
        let next = self.peek_at(1);
        Some(match self.peek()? {
            b'|' if next == Some(b'|') => (Op::Or, 1, 2),
            b'&' if next == Some(b'&') => (Op::And, 2, 2),
            b'=' if next == Some(b'=') => (Op::Equal, 3, 2),
            b'!' if next == Some(b'=') => (Op::NotEqual, 3, 2),
            b'<' if next == Some(b'=') => (Op::LessEqual, 4, 2),
            b'>' if next == Some(b'=') => (Op::GreaterEqual, 4, 2),
            b'<' => (Op::Less, 4, 1),
            b'>' => (Op::Greater, 4, 1),
            b'+' => (Op::Add, 5, 1),
            b'-' => (Op::Subtract, 5, 1),
            b'*' => (Op::Multiply, 6, 1),
            b'/' => (Op::Divide, 6, 1),
            b'%' => (Op::Modulo, 6, 1),
            _ => return None,
        })
    }

    fn unary(&mut self) -> Parsed<Expr<'s>> {
        self.skip_space();
        let line = self.line;
        let op = match self.peek() {
            Some(b'!') => Op::Not,
            Some(b'-') => Op::Negate,
            _ => return self.reference(),
        };
        let start = self.at;
        self.at += 1;
        let inner = self.deeper(Parser::unary)?;
        Ok(Expr { line, span: (start as u32, inner.span.1), kind: Kind::Unary(op, Box::new(inner)) })
    }

    /// A value with what is taken from it: `a.b[0].c`, `a[*].b`.
    fn reference(&mut self) -> Parsed<Expr<'s>> {
        let base = self.primary()?;
        let mut steps = Vec::new();
        loop {
            let (at, line) = (self.at, self.line);
            self.skip_space();
            match self.peek() {
                Some(b'.') if self.peek_at(1) != Some(b'.') => {
                    self.at += 1;
                    self.skip_space();
                    steps.push(self.attribute_step()?);
                }
                Some(b'[') => {
                    self.at += 1;
                    steps.push(self.index_step()?);
                }
                _ => {
                    (self.at, self.line) = (at, line);
                    break;
                }
            }
        }
        if steps.is_empty() {
            return Ok(base);
        }
        let span = (base.span.0, self.at as u32);
        Ok(Expr { line: base.line, span, kind: Kind::Get(Box::new(base), steps) })
    }

    fn attribute_step(&mut self) -> Parsed<Step<'s>> {
        if self.eat("*") {
            return Ok(Step::AttrSplat);
        }
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            // The old way to index: `list.0`.
            let (line, start) = (self.line, self.at);
            let rest = self.rest();
            let length = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number = rest.get(..length).and_then(|digits| digits.parse().ok()).unwrap_or(f64::MAX);
            self.at += length;
            let span = (start as u32, self.at as u32);
            return Ok(Step::Index(Box::new(Expr { line, span, kind: Kind::Number(number) })));
        }
        match self.identifier() {
            Some(name) => Ok(Step::Attr(Cow::Borrowed(name))),
            None => Err(self.unexpected("a name after `.`")),
        }
    }

    fn index_step(&mut self) -> Parsed<Step<'s>> {
        let outer = std::mem::replace(&mut self.newline_is_space, true);
        self.skip_space();
        let step = if self.starts_with("*") {
            self.at += 1;
            Step::Splat
        } else {
            Step::Index(Box::new(self.expression()?))
        };
        self.skip_space();
        self.newline_is_space = outer;
        if self.eat("]") { Ok(step) } else { Err(self.unexpected("`]`")) }
    }

    fn primary(&mut self) -> Parsed<Expr<'s>> {
        self.skip_space();
        let (line, start) = (self.line, self.at);
        let kind = match self.peek() {
            None => return Err(self.unexpected("a value")),
            Some(b'"') => self.quoted_template()?,
            Some(b'<') if self.starts_with("<<") => self.heredoc()?,
            Some(b'(') => {
                self.at += 1;
                let inner = self.enclosed(|parser| {
                    let inner = parser.expression();
                    parser.skip_space();
                    inner
                })?;
                if !self.eat(")") {
                    return Err(self.unexpected("`)`"));
                }
                inner.kind
            }
            Some(b'[') => {
                self.at += 1;
                self.list()?
            }
            Some(b'{') => {
                self.at += 1;
                self.object()?
            }
            Some(b'0'..=b'9') => self.number()?,
            Some(_) => self.name_or_call()?,
        };
        Ok(Expr { line, span: (start as u32, self.at as u32), kind })
    }

    /// Runs a part with newlines as white space.
    pub(super) fn enclosed<T>(&mut self, part: impl FnOnce(&mut Parser<'s>) -> Parsed<T>) -> Parsed<T> {
        let outer = std::mem::replace(&mut self.newline_is_space, true);
        let result = part(self);
        self.newline_is_space = outer;
        result
    }

    fn number(&mut self) -> Parsed<Kind<'s>> {
        let rest = self.rest().as_bytes();
        let digit = |at: usize| rest.get(at).is_some_and(u8::is_ascii_digit);
        let digits = |mut at: usize| {
            while digit(at) {
                at += 1;
            }
            at
        };
        let mut end = digits(0);
        if rest.get(end) == Some(&b'.') && digit(end + 1) {
            end = digits(end + 1);
        }
        if matches!(rest.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(rest.get(end + 1), Some(b'+' | b'-')));
            if digit(end + 1 + sign) {
                end = digits(end + 1 + sign);
            }
        }
        let number = self.rest().get(..end).and_then(|text| text.parse().ok());
        self.at += end;
        number.map(Kind::Number).ok_or_else(|| self.error("a number cannot be read"))
    }

    fn name_or_call(&mut self) -> Parsed<Kind<'s>> {
        let Some(mut name) = self.identifier() else { return Err(self.unexpected("a value")) };
        let start = self.at - name.len();
        // Functions of providers: `provider::aws::arn_parse(...)`.
        while self.starts_with("::") {
            self.at += 2;
            if self.identifier().is_none() {
                return Err(self.unexpected("a function's name"));
            }
            name = self.text.get(start..self.at).unwrap_or(name);
        }
        if self.peek() == Some(b'(') {
            self.at += 1;
            return self.enclosed(|parser| parser.call(name));
        }
        Ok(match name {
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            "null" => Kind::Null,
            name => Kind::Name(Cow::Borrowed(name)),
        })
    }

    fn call(&mut self, name: &'s str) -> Parsed<Kind<'s>> {
        let mut call = Call { name: Cow::Borrowed(name), args: Vec::new(), spread: false };
        loop {
            self.skip_space();
            if self.eat(")") {
                return Ok(Kind::Call(Box::new(call)));
            }
            call.args.push(self.expression()?);
            self.skip_space();
            call.spread |= self.eat("...");
            self.skip_space();
            if !self.eat(",") && self.peek() != Some(b')') {
                return Err(self.unexpected("`,` or `)`"));
            }
        }
    }

    fn list(&mut self) -> Parsed<Kind<'s>> {
        let outer = std::mem::replace(&mut self.newline_is_space, true);
        let kind = self.list_inside();
        self.newline_is_space = outer;
        kind
    }

    fn list_inside(&mut self) -> Parsed<Kind<'s>> {
        self.skip_space();
        if self.at_for() {
            return self.for_expression(b']');
        }
        let mut items = Vec::new();
        loop {
            self.skip_space();
            if self.eat("]") {
                return Ok(Kind::List(items));
            }
            items.push(self.expression()?);
            self.skip_space();
            if !self.eat(",") && self.peek() != Some(b']') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
    }

    fn object(&mut self) -> Parsed<Kind<'s>> {
        self.skip_lines();
        if self.at_for() {
            let outer = std::mem::replace(&mut self.newline_is_space, true);
            let kind = self.for_expression(b'}');
            self.newline_is_space = outer;
            return kind;
        }
        let outer = std::mem::replace(&mut self.newline_is_space, false);
        let kind = self.object_inside();
        self.newline_is_space = outer;
        kind
    }

    fn object_inside(&mut self) -> Parsed<Kind<'s>> {
        let mut items = Vec::new();
        loop {
            self.skip_lines();
            if self.eat("}") {
                return Ok(Kind::Object(items));
            }
            let line = self.line;
            let mut key = self.expression()?;
            if let Kind::Name(name) = key.kind {
                key.kind = Kind::Text(name);
            }
            self.skip_space();
            if !self.eat("=") && !self.eat(":") {
                return Err(self.unexpected("`=` after a key"));
            }
            self.skip_lines();
            let value = self.expression()?;
            items.push(Item { line, key, value });
            self.skip_space();
            if !self.eat(",") && !matches!(self.peek(), Some(b'\n' | b'}')) {
                return Err(self.unexpected("`,` or the end of the line"));
            }
        }
    }

    fn at_for(&self) -> bool {
        self.starts_with("for") && matches!(self.peek_at(3), Some(b' ' | b'\t' | b'\n' | b'\r'))
    }

    /// `for k, v in source : key => value... if condition`, after the opening bracket.
    fn for_expression(&mut self, close: u8) -> Parsed<Kind<'s>> {
        self.at += 3;
        let (key, value, source) = self.for_header()?;
        if !self.eat(":") {
            return Err(self.unexpected("`:`"));
        }
        let first = self.expression()?;
        self.skip_space();
        let (result_key, result) = if self.eat("=>") { (Some(first), self.expression()?) } else { (None, first) };
        self.skip_space();
        let grouped = self.eat("...");
        self.skip_space();
        let condition = if self.starts_with("if") && !matches!(self.peek_at(2), Some(b'a'..=b'z' | b'_')) {
            self.at += 2;
            Some(self.expression()?)
        } else {
            None
        };
        self.skip_space();
        if self.peek() != Some(close) {
            return Err(self.unexpected("the end of a `for` expression"));
        }
        self.at += 1;
        Ok(Kind::For(Box::new(For { key, value, source, result_key, result, grouped, condition })))
    }

    /// `k, v in source`.
    pub(super) fn for_header(&mut self) -> Parsed<(Option<Cow<'s, str>>, Cow<'s, str>, Expr<'s>)> {
        let mut names = Vec::new();
        loop {
            self.skip_space();
            let Some(name) = self.identifier() else { return Err(self.unexpected("a name after `for`")) };
            self.skip_space();
            names.push(Cow::Borrowed(name));
            if !self.eat(",") {
                break;
            }
        }
        if self.identifier() != Some("in") {
            return Err(self.unexpected("`in`"));
        }
        let source = self.expression()?;
        self.skip_space();
        let value = names.pop().unwrap_or_default();
        Ok((names.pop(), value, source))
    }
}
