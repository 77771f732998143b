import { z } from 'zod';
import { matching, withRules } from './common.ts';

const step = '(/[1-9][0-9]?)?';
/** One of the five fields: `*`, values and ranges, each with a step, in a list. */
const field = (value: string, name?: string) => {
  const one = `(${[String.raw`\*`, `${value}(-${value})?`, ...(name === undefined ? [] : [name])].join('|')})${step}`;
  return `${one}(,${one})*`;
};
const FIELDS = [
  field('[0-5]?[0-9]'),
  field('([01]?[0-9]|2[0-3])'),
  field('(0?[1-9]|[12][0-9]|3[01])'),
  field('(0?[1-9]|1[0-2])', '(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)'),
  field('[0-7]', '(SUN|MON|TUE|WED|THU|FRI|SAT)'),
];

/** What crontab(5) says of the first five fields, with names for single months and days only. */
export const cron = withRules(
  matching(
    new RegExp(`^${FIELDS.join(' ')}$`),
    64,
    'must have the five fields of cron: minute, hour, day of the month, month, day of the week (0 to 7 or SUN to SAT), such as "30 7 * * 1-5"',
  ),
  [
    {
      rule: "self.findAll('[0-9]+-[0-9]+', 16).all(range, int(range.split('-')[0]) <= int(range.split('-')[1]))",
      message: 'the first value of a range must not be above its second',
    },
  ],
).describe('Minute, hour, day of the month, month and day of the week, as cron has them: `30 7 * * 1-5`.');

/** The API server knows the zones itself; the function fails where it does not know this one. */
export const timeZone = withRules(z.string().min(1).max(64), [
  {
    rule: "timestamp('2000-01-01T00:00:00Z').getHours(self) >= 0",
    message: 'must be a time zone such as Europe/Berlin or Etc/UTC',
  },
])
  .default('Etc/UTC')
  .describe('A time zone of the IANA, for example Europe/Berlin.');
